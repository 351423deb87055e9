package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Lengths of the parts of an API key: sk-<public>_<secret><checksum>.
const (
	publicLen   = 16
	secretLen   = 43 // 256 bits in base 62
	checksumLen = 6
	keyPrefix   = "sk-"
	// KeyLen is the length of a whole API key.
	KeyLen = len(keyPrefix) + publicLen + 1 + secretLen + checksumLen
)

// Random returns n characters of base 62 from the system's random source.
func Random(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, n+n/2)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails: crypto/rand crashes the program instead
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte: what lies above would favour the first characters.
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}

// NewAPIKey returns a fresh API key and its public part, by which it is found. Source: THREATS, section 1.
func NewAPIKey() (key String, public string) {
	public = Random(publicLen)
	body := public + "_" + Random(secretLen)
	return New(keyPrefix + body + checksum(body)), public
}

// PublicPart returns the part of an API key by which it is found, and false for a text that cannot be one of ours:
// wrong length, wrong form or wrong checksum. It does not allocate.
func PublicPart(key string) (string, bool) {
	if len(key) != KeyLen || key[:len(keyPrefix)] != keyPrefix || key[len(keyPrefix)+publicLen] != '_' {
		return "", false
	}
	body := key[len(keyPrefix) : KeyLen-checksumLen]
	if sum := checksumBytes(body); string(sum[:]) != key[KeyLen-checksumLen:] {
		return "", false
	}
	return body[:publicLen], true
}

// Hash is what is stored of a token: its SHA-256. Tokens have 256 random bits, so a slow hash would add nothing.
func Hash(token string) [32]byte {
	var buf [128]byte // tokens of ours fit, so that hashing one does not allocate
	if len(token) <= len(buf) {
		return sha256.Sum256(buf[:copy(buf[:], token)])
	}
	return sha256.Sum256([]byte(token))
}

// Matches reports in constant time whether token has the given hash.
func Matches(token string, hash []byte) bool {
	h := Hash(token)
	return subtle.ConstantTimeCompare(h[:], hash) == 1
}

func checksum(body string) string { s := checksumBytes(body); return string(s[:]) }

// checksumBytes lets scanners and clients spot a mistyped key offline; it protects nothing.
func checksumBytes(body string) [checksumLen]byte {
	n := ^uint32(0)
	for i := range len(body) { // crc32.ChecksumIEEE, without its allocation
		n = crc32.IEEETable[byte(n&0xff)^body[i]] ^ n>>8
	}
	n = ^n
	var out [checksumLen]byte
	for i := checksumLen - 1; i >= 0; i-- {
		out[i] = base62[n%62]
		n /= 62
	}
	return out
}
