package envelope

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Base64 returns the padded base64 of x (RFC 4648 §4).
func Base64(x []byte) string {
	var b []byte
	for len(x) > 0 {
		n := min(3, len(x))
		var group [3]byte
		copy(group[:], x[:n])
		bits := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		for i := range 4 {
			if i > n {
				b = append(b, '=')
			} else {
				b = append(b, base64Alphabet[bits>>(18-6*i)&63])
			}
		}
		x = x[n:]
	}
	return string(b)
}

// decodeBase64 fills dst from the one padded base64 text of its bytes: no white space, no stray trailing bits. The
// standard library's decoder passes line breaks even in strict mode.
func decodeBase64(dst []byte, s string) bool {
	if len(s) != (len(dst)+2)/3*4 {
		return false
	}
	out := make([]byte, 0, len(dst)+2)
	for i := 0; i < len(s); i += 4 {
		var bits uint
		for j := range 4 {
			bits = bits<<6 | base64Value(s[i+j])
		}
		out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
	}
	copy(dst, out)
	return Base64(dst) == s
}

// base64Value returns the six bits of c, and 0 for what is not in the alphabet: encoding again shows the difference.
func base64Value(c byte) uint {
	for i := range len(base64Alphabet) {
		if base64Alphabet[i] == c {
			return uint(i)
		}
	}
	return 0
}
