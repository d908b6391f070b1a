package vault

// Calls that a page makes in one turn share a crossing, their cryptography and a transaction. Each of them succeeds or fails
// by itself: where they fail together, each is tried again alone. Their names' turns are held until all have ended, so that
// no later call comes between.

// SetEach writes records as so many calls of Set would, one after the other. The result has an error, or nil, for each.
func (s *Store) SetEach(t Task, items []Item) []error {
	errs := make([]error, len(items))
	names := make([]string, len(items))
	var good []Item
	var goodNames []string
	for i := range items {
		names[i] = items[i].Name
		if errs[i] = s.check(items[i:i+1], names[i:i+1]); errs[i] == nil {
			good, goodNames = append(good, items[i]), append(goodNames, names[i])
		}
	}
	if len(good) == 0 {
		return errs
	}
	turn := s.order.take(t, goodNames...)
	defer turn.finish()
	if s.put(t, good, goodNames, nil, nil) == nil {
		return errs
	}
	for i := range items {
		if errs[i] == nil {
			errs[i] = s.put(t, items[i:i+1], names[i:i+1], nil, nil)
		}
	}
	return errs
}

// GetEach reads records as so many calls of Get would. The results are aligned with names.
func (s *Store) GetEach(t Task, names []string) ([]Value, []error) {
	found, errs := make([]Value, len(names)), make([]error, len(names))
	var good []string
	for i := range names {
		if errs[i] = checkNames(names[i : i+1]); errs[i] == nil {
			good = append(good, names[i])
		}
	}
	if err := s.alive(); err != nil || len(good) == 0 {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
		return found, errs
	}
	turn := s.order.take(t, good...)
	defer turn.finish()
	if all, err := s.get(t, good, readValues, nil); err == nil {
		for i := range names {
			if errs[i] == nil {
				found[i], all = all[0], all[1:]
			}
		}
		return found, errs
	}
	for i := range names {
		if errs[i] == nil {
			var one []Value
			if one, errs[i] = s.get(t, names[i:i+1], readValues, nil); errs[i] == nil {
				found[i] = one[0]
			}
		}
	}
	return found, errs
}
