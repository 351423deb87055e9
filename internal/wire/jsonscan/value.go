package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// IsNull reports whether the value is null.
func IsNull(body []byte, f Field) bool { return string(f.In(body)) == "null" }

// Bool returns a value that is true or false. Error: ErrType.
func Bool(body []byte, f Field) (bool, error) {
	switch string(f.In(body)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &Error{Err: ErrType, Offset: f.Start}
}

// Int returns a value that is a number without fraction and exponent: readers disagree about whether 1.0 and 1e3 are
// integers. Errors: ErrType, ErrInteger.
func Int(body []byte, f Field) (int64, error) {
	digits := f.In(body)
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0]-'0' > 9 {
		return 0, &Error{Err: ErrType, Offset: f.Start}
	}
	n, ok := decimal(digits)
	if !ok {
		return 0, &Error{Err: ErrInteger, Offset: f.Start}
	}
	if negative {
		n = -n
	}
	return n, nil
}

// decimal reads up to 18 digits, which always fit.
func decimal(digits []byte) (int64, bool) {
	var n int64
	for _, c := range digits {
		if c-'0' > 9 || len(digits) > 18 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// String returns a value that is a string, with its escapes resolved. Errors: ErrType, ErrUTF8 (which covers half a
// surrogate pair: readers disagree about what that stands for).
func String(body []byte, f Field) (string, error) {
	raw := f.In(body)
	if len(raw) < 2 || raw[0] != '"' {
		return "", &Error{Err: ErrType, Offset: f.Start}
	}
	raw = raw[1 : len(raw)-1]
	if !utf8.Valid(raw) || hasLoneSurrogate(raw) {
		return "", &Error{Err: ErrUTF8, Offset: f.Start}
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	var buf [256]byte
	out, _ := appendUnescaped(buf[:0], raw, len(raw))
	return string(out), nil
}

// appendUnescaped appends what the inside of a string stands for; false when that would be longer than limit.
// raw must have been scanned. Half a surrogate pair becomes U+FFFD.
func appendUnescaped(dst, raw []byte, limit int) ([]byte, bool) {
	for i := 0; i < len(raw); {
		if len(dst) > limit {
			return dst, false
		}
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n := unescape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst, true
}

// unescape reads one escape and returns what it stands for and its length.
func unescape(b []byte) (rune, int) {
	switch c := b[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r := hex4(b[2:])
	if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(b[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6 // AppendRune turns half a pair into U+FFFD
}

func hasLoneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		r, n := unescape(raw[i:])
		if utf16.IsSurrogate(r) {
			return true
		}
		i += n - 1
	}
	return false
}
