//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/vault"
)

// The exports are the calls of the API. Each takes the number of a call, whose payloads lie in its slot, and integers;
// strings lie in the shared page. Each pushes its results and ends the call.

var (
	vaults = &vault.Vaults{Platform: &page{}}
	items  [][]vault.Item // by call
)

// item adds a record, or a name alone, to the arguments of a call. The page holds name, content type and context; size is that
// of its value, which is the payload of the item's place; ttl is whole milliseconds, or 0 for none.
//
//go:wasmexport item
func item(call, class, kind, name, contentType, context, size int32, ttl float64) {
	jsbridge.Enter(func() {
		for int(call) >= len(items) {
			items = append(items, nil)
		}
		p := jsbridge.Page[:]
		it := vault.Item{
			Class:       envelope.Class(class),
			Kind:        envelope.Kind(kind),
			Name:        string(p[:name]),
			ContentType: string(p[name : name+contentType]),
			Context:     append([]byte(nil), p[name+contentType:name+contentType+context]...),
			Value:       jsbridge.Ref(len(items[call])),
			Size:        int(size),
			TTL:         uint64(ttl),
		}
		items[call] = append(items[call], it)
	})
}

// taken returns the arguments that item collected for a call.
func taken(call int32) []vault.Item {
	if int(call) >= len(items) {
		return nil // a call without any
	}
	list := items[call]
	items[call] = list[:0] // the call's number is not given again before it has ended
	return list
}

func namesOf(list []vault.Item) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}

// serve carries out a call on an open store with the names that item collected.
func serve(call, store int32, run func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error) {
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		list, s := taken(call), storeAt(store)
		if err := run(c, s, list); err != nil {
			return s.Failed(c, err)
		}
		c.Done()
		return nil
	})
}

// open unlocks or makes a vault and opens a store. Item 0 is the names of database (as name) and store (as content type), and, for a
// vault that was imported, of the database that it was made for (as context);
// payloads, where there is a secret, are its PBKDF2 key, its fingerprint and whether it is random bytes; where there is a policy, seconds
// after which records of each class expire; and where the vault was locked on this page, when, in milliseconds. Choices are 0 for none,
// 1 and 2; except and protect have a bit for each class; again says that the storage was open; what may be stored before records are
// evicted is evictMiB << 20 + evictBytes. A number that is not given is 0. Results: the store's handle, the name of the vault's channel.
//
//go:wasmexport open
func open(call, iterations, names, durability, expectVault, cacheBytes, except, again, maxAgeDays, purge, evictPolicy, protect, evictMiB, evictBytes int32) {
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		place := taken(call)[0]
		o := vault.Options{
			RandomSecret: c.Value(2).Truthy(),
			ExpectVault:  vault.Choice(expectVault),
			Iterations:   uint32(iterations),
			Names:        vault.Names(names),
			Bound:        string(place.Context),
			Again:        again != 0,
			Policy:       vault.Policy{MaxAgeDays: uint32(maxAgeDays), Purge: vault.ClassSet(purge)},
		}
		if ttl := c.Value(3); ttl.Truthy() {
			for i := range ttl.Length() {
				o.Policy.TTL = append(o.Policy.TTL, uint64(ttl.Index(i).Float()))
			}
		}
		// No js.Value is made of the PBKDF2 key: it would be reachable until Go's collector has found it.
		if o.Fingerprint = c.Front(1, 0, envelope.MACSize); len(o.Fingerprint) > 0 {
			o.Secret = subtle.InSlot(c, 0)
		}
		if at := c.Value(4); at.Truthy() {
			o.LockedAt = uint64(at.Float() / 1000)
		}
		store := vault.StoreOptions{
			Durability:  vault.Choice(durability),
			CacheBytes:  int(cacheBytes),
			CacheExcept: vault.ClassSet(except),
			Evict: vault.Evict{
				Policy:   vault.Choice(evictPolicy),
				MaxBytes: int(evictMiB)<<20 + int(evictBytes),
				Protect:  vault.ClassSet(protect),
			},
		}
		if err := store.Check(place.ContentType); err != nil {
			return err
		}
		v, err := vaults.Open(c, place.Name, o)
		if err != nil {
			return err
		}
		channel, err := v.Channel(c)
		if err != nil {
			return err
		}
		s, err := v.Store(place.ContentType, store)
		if err != nil {
			return err
		}
		c.Push(hold(s))
		c.Push(channel)
		c.Done()
		return nil
	})
}

//go:wasmexport destroy
func destroy(call int32) {
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		if err := vaults.Destroy(c, taken(call)[0].Name); err != nil {
			return err
		}
		c.Done()
		return nil
	})
}

// set writes the items of the call in one transaction, all or none.
//
//go:wasmexport set
func set(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		return s.Set(c, list, func() error {
			for i := range list {
				if list[i].Kind != envelope.File {
					continue
				}
				// Its bytes are a promise; the first wait is for all of them.
				if err := c.Payloads(); err != nil {
					return err
				}
				list[i].Size = c.Size(jsbridge.Ref(i))
			}
			return nil
		})
	})
}

// setEach writes the items of the call, each of which a call of its own was made for; none is a Blob. Results, for each: null
// or an error.
//
//go:wasmexport setEach
func setEach(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		for _, err := range s.SetEach(c, list) {
			if err != nil {
				c.PushError(s.Failed(c, err))
			} else {
				c.Push(nil)
			}
		}
		return nil
	})
}

// get reads the items' names. Results, for each: null, or the value's bytes with its kind and content type.
//
//go:wasmexport get
func get(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		values, err := s.Get(c, namesOf(list), false)
		for i := range values {
			pushValue(c, &values[i])
		}
		return err
	})
}

// getEach reads the items' names, for each of which a call of its own was made. Results, for each: as get's, or an error.
//
//go:wasmexport getEach
func getEach(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		values, errs := s.GetEach(c, namesOf(list))
		for i := range values {
			if errs[i] != nil {
				c.PushError(s.Failed(c, errs[i]))
			} else {
				pushValue(c, &values[i])
			}
		}
		return nil
	})
}

func pushValue(c *jsbridge.Call, v *vault.Value) {
	if v.Found {
		c.PushBytes(blob(v.Data), v.Offset, int(v.Head.Kind), v.Head.ContentType)
	} else {
		c.Push(nil)
	}
}

// metadata reads the head of item 0. Results: null, or class, created, expires, epoch, size, content type, context.
//
//go:wasmexport metadata
func metadata(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		values, err := s.Get(c, namesOf(list), true)
		if err != nil {
			return err
		}
		v := &values[0]
		if !v.Found {
			c.Push(nil)
			return nil
		}
		c.Push(v.Header.Class.String())
		c.Push(float64(v.Header.Created))
		c.Push(float64(v.Header.Expires))
		c.Push(int(v.Header.Epoch))
		c.Push(v.Size)
		c.Push(v.Head.ContentType)
		c.Push(string(v.Head.Context))
		return nil
	})
}

//go:wasmexport exists
func exists(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		found, err := s.Exists(c, list[0].Name)
		c.Push(found)
		return err
	})
}

//go:wasmexport remove
func remove(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		return s.Delete(c, namesOf(list))
	})
}

// names lists the names that begin with item 0's and are of its class, where it has one.
//
//go:wasmexport names
func names(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		found, err := s.Names(c, list[0].Name, list[0].Class)
		for _, name := range found {
			c.Push(name)
		}
		return err
	})
}

//go:wasmexport count
func count(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, _ []vault.Item) error {
		n, err := s.Count(c)
		c.Push(n)
		return err
	})
}

// usage adds up the records whose names begin with item 0's. Results, for what has no class and for each class: how many, and bytes.
//
//go:wasmexport usage
func usage(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		sum, err := s.Usage(c, list[0].Name)
		if err != nil {
			return err
		}
		for _, of := range sum {
			c.Push(of.Records)
			c.Push(of.Bytes)
		}
		return nil
	})
}

//go:wasmexport clear
func clearStore(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, _ []vault.Item) error {
		return s.Clear(c)
	})
}

// forget destroys the keys and the records of item 0's class, or of those of the policy where it has none.
//
//go:wasmexport forget
func forget(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		return s.Forget(c, vault.ClassSet(1<<list[0].Class)&^1)
	})
}

// lock locks the vault of the database whose name is in the page.
//
//go:wasmexport lock
func lock(database int32) {
	jsbridge.Enter(func() { vaults.Lock(string(jsbridge.Page[:database])) })
}

// heard takes note that another tab wrote the record whose name is in the page, or all where there is none.
//
//go:wasmexport heard
func heard(store, name int32) {
	jsbridge.Enter(func() { storeAt(store).Heard(string(jsbridge.Page[:name])) })
}
