package fakebedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// skew is how far a request's clock may be off.
const skew = 5 * time.Minute

var (
	unsigned   = &fault{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	incomplete = &fault{403, "IncompleteSignatureException", "The request signature does not conform to AWS standards."}
	stranger   = &fault{403, "UnrecognizedClientException", "The security token included in the request is invalid."}
	forged     = &fault{403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
)

// authenticate takes a key of Bedrock's or checks the signature.
func (s *Server) authenticate(r *http.Request, body []byte) *fault {
	header := r.Header.Get("Authorization")
	if key, ok := strings.CutPrefix(header, "Bearer "); ok {
		if key != APIKey {
			return &fault{403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."}
		}
		return nil
	}
	if header == "" {
		return unsigned
	}
	return s.verify(r, header, body)
}

// claim is what an Authorization header says.
type claim struct {
	access, day, region, service string
	signed                       []string
	signature                    string
}

// parse reads "AWS4-HMAC-SHA256 Credential=…/…/…/…/aws4_request, SignedHeaders=…, Signature=…".
func parse(header string) (claim, bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if !ok || len(scope) != 5 || scope[4] != "aws4_request" || fields["SignedHeaders"] == "" || len(fields["Signature"]) != 64 {
		return claim{}, false
	}
	return claim{scope[0], scope[1], scope[2], scope[3], strings.Split(fields["SignedHeaders"], ";"), fields["Signature"]}, true
}

func (s *Server) verify(r *http.Request, header string, body []byte) *fault {
	c, ok := parse(header)
	if !ok || !sort.StringsAreSorted(c.signed) || !slices.Contains(c.signed, "host") {
		return incomplete
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(c.signed, lower) {
			return incomplete
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return incomplete
	}
	if c.access != AccessKey || s.Temporary && r.Header.Get("X-Amz-Security-Token") != Token {
		return stranger
	}
	if f := s.fits(&c, at); f != nil {
		return f
	}
	if subtle.ConstantTimeCompare([]byte(expected(r, &c, at, body)), []byte(c.signature)) != 1 {
		return forged
	}
	return nil
}

// fits checks the date and the scope.
func (s *Server) fits(c *claim, at time.Time) *fault {
	now := clock.System
	if s.Now != nil {
		now = s.Now
	}
	if d := now().UTC().Sub(at); d > skew || d < -skew {
		return &fault{403, "InvalidSignatureException", fmt.Sprintf("Signature expired: %s is now earlier than %s", at, now())}
	}
	if c.day != at.Format("20060102") {
		return &fault{403, "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"}
	}
	if c.region != Region || c.service != "bedrock" {
		return &fault{403, "InvalidSignatureException", "Credential should be scoped to a valid region and correct service: 'bedrock'."}
	}
	return nil
}

// expected computes the signature from what arrived.
func expected(r *http.Request, c *claim, at time.Time, body []byte) string {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, encoded(path), ordered(query))
	for _, name := range c.signed {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.TrimSpace(value))
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", strings.Join(c.signed, ";"), sha256.Sum256(body))
	scope := c.day + "/" + c.region + "/" + c.service + "/aws4_request"
	text := fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", at.Format("20060102T150405Z"), scope, sha256.Sum256([]byte(canonical.String())))
	key := []byte("AWS4" + SecretKey)
	for _, part := range []string{c.day, c.region, c.service, "aws4_request", text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// encoded is the path with each segment encoded once more.
func encoded(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20") // what is left of the difference to RFC 3986 is the space
	}
	return strings.Join(segments, "/")
}

func ordered(query string) string {
	if query == "" {
		return ""
	}
	params := strings.Split(query, "&")
	sort.Strings(params)
	return strings.Join(params, "&")
}
