package bedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	longDate   = "20060102T150405Z"
	shortDate  = "20060102"
	terminator = "aws4_request"
)

// signer signs requests as AWS Signature Version 4 has it. Source: AWS, "Create a signed AWS API request".
type signer struct {
	accessKey            string
	secretKey, session   secret.String
	region, service, day string
}

// sign puts the headers of the signature on a request. Signed are the host, what begins with x-amz- and the content type; path
// is the request's as it is sent, which is encoded once more.
func (s signer) sign(r *http.Request, path string, body []byte, now time.Time) {
	now = now.UTC()
	s.day = now.Format(shortDate)
	r.Header.Set("X-Amz-Date", now.Format(longDate))
	if !s.session.IsZero() {
		r.Header.Set("X-Amz-Security-Token", s.session.Reveal())
	}
	names, headers := canonicalHeaders(r)
	request := strings.Join([]string{
		r.Method, canonicalPath(path), canonicalQuery(r.URL.RawQuery), headers, strings.Join(names, ";"), hexHash(body),
	}, "\n")
	text := strings.Join([]string{algorithm, now.Format(longDate), s.scope(), hexHash([]byte(request))}, "\n")
	signature := hex.EncodeToString(mac(s.key(), text))
	r.Header.Set("Authorization", algorithm+" Credential="+s.accessKey+"/"+s.scope()+", SignedHeaders="+
		strings.Join(names, ";")+", Signature="+signature)
}

func (s signer) scope() string {
	return strings.Join([]string{s.day, s.region, s.service, terminator}, "/")
}

// key is the key of one day, region and service.
func (s signer) key() []byte {
	key := mac([]byte("AWS4"+s.secretKey.Reveal()), s.day)
	for _, part := range [...]string{s.region, s.service, terminator} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // a hash takes everything
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalHeaders returns the names of the signed headers in order, and the headers, a line each.
func canonicalHeaders(r *http.Request) (names []string, lines string) {
	values := map[string]string{"host": r.Host}
	for name, all := range r.Header {
		lower := strings.ToLower(name)
		if lower == "content-type" || strings.HasPrefix(lower, "x-amz-") {
			values[lower] = strings.Join(all, ",")
		}
	}
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + ":" + strings.Join(strings.Fields(values[name]), " ") + "\n")
	}
	return names, b.String()
}

// canonicalPath encodes a path: every byte but letters, digits, "-", "_", "." and "~", and the slashes between segments.
func canonicalPath(path string) string {
	if path == "" {
		return "/"
	}
	return escape(path, "/")
}

// canonicalQuery puts the parameters, which are encoded already, in order.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	params := strings.Split(raw, "&")
	for i, p := range params {
		if !strings.Contains(p, "=") {
			params[i] = p + "="
		}
	}
	slices.SortFunc(params, func(a, b string) int {
		aName, aValue, _ := strings.Cut(a, "=")
		bName, bValue, _ := strings.Cut(b, "=")
		if c := strings.Compare(aName, bName); c != 0 {
			return c
		}
		return strings.Compare(aValue, bValue)
	})
	return strings.Join(params, "&")
}

// escape percent-encodes all bytes but those that no URL needs to, and those of safe.
func escape(s, safe string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~"+safe, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}
