package envelope

// Clock is the entry `clock` of the `journal` store: what a vault believes of the time. All are Unix times in seconds.
//
//	u8 version || u64 trusted || u64 jump || u64 swept || 32-byte MAC
type Clock struct {
	Trusted uint64 // it is not earlier
	Jump    uint64 // what the device's clock said when it was first seen far ahead of Trusted, or 0
	Swept   uint64 // Trusted as it was when expired records were last swept by themselves
}

const clockVersion = 1

// Encode returns the encoding of c without its MAC.
func (c *Clock) Encode() []byte {
	var w writer
	w.u8(clockVersion)
	w.u64(c.Trusted)
	w.u64(c.Jump)
	w.u64(c.Swept)
	return w.b
}

// ParseClock reads an encoded clock and its MAC.
func ParseClock(b []byte) (*Clock, []byte, error) {
	r := reader{b: b}
	if version := r.u8(); !r.bad && version != clockVersion {
		return nil, nil, ErrVersion
	}
	c := &Clock{Trusted: r.u64(), Jump: r.u64(), Swept: r.u64()}
	mac := r.take(MACSize)
	if r.bad || len(r.b) != 0 {
		return nil, nil, ErrFormat
	}
	return c, append([]byte(nil), mac...), nil
}

const clockLabel = "idbvault/clock/v1"

// ClockMessage returns the message whose HMAC under the keyring key is the clock's MAC:
//
//	lp("idbvault/clock/v1") || lp(database) || lp(clock without its MAC)
func ClockMessage(database string, c *Clock) []byte {
	var w writer
	w.lpStr(clockLabel)
	w.lpStr(database)
	w.lp(c.Encode())
	return w.b
}
