package blob

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// LinkPath is where files are served: LinkPath + id, with the signature in the query.
const LinkPath = "/api/files/"

// Links signs and checks links. Whoever holds one may read the file until it expires; nothing else of ours is in it.
type Links struct {
	key []byte
	now clock.Clock
	ttl time.Duration
	// publicURL is where everybody reaches us; empty: where the caller did.
	publicURL string
}

// NewLinks makes links that are signed under a key derived from the master key, and last for ttl.
func NewLinks(master []byte, now clock.Clock, ttl time.Duration, publicURL string) (*Links, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "gantry/file-links", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &Links{key, now, ttl, strings.TrimRight(publicURL, "/")}, nil
}

// URL returns a link to a file. origin is where the caller reached us, such as https://ai.example.org; a configured public
// address goes before it. The link ends before the file does.
func (l *Links) URL(b *Blob, origin string) string {
	if l.publicURL != "" {
		origin = l.publicURL
	}
	expires := l.now().Add(l.ttl)
	if !b.ExpiresAt.IsZero() && b.ExpiresAt.Before(expires) {
		expires = b.ExpiresAt
	}
	seconds := strconv.FormatInt(expires.Unix(), 10)
	return origin + LinkPath + b.ID.String() + "?exp=" + seconds + "&sig=" + l.sign(b.ID.String(), seconds)
}

// Renew returns a link to the same file that lasts as long as a new one, and reports false for what is no link of ours. One
// that has expired will do: who shows it must know that its reader may have the file.
func (l *Links) Renew(link string) (string, bool) {
	at := strings.Index(link, LinkPath)
	if at < 0 {
		return "", false
	}
	u, err := url.Parse(link[at:])
	if err != nil {
		return "", false
	}
	file, q := strings.TrimPrefix(u.Path, LinkPath), u.Query()
	blob, err := id.Parse(file)
	if err != nil || !hmac.Equal([]byte(q.Get("sig")), []byte(l.sign(blob.String(), q.Get("exp")))) {
		return "", false
	}
	return l.URL(&Blob{ID: blob}, link[:at]), true
}

// Check tells the file that a link is for. path is what follows LinkPath. Codes: link_invalid, link_expired.
func (l *Links) Check(path string, query url.Values) (id.ID, error) {
	blob, err := id.Parse(path)
	exp, sig := query["exp"], query["sig"]
	if err != nil || len(exp) != 1 || len(sig) != 1 || !hmac.Equal([]byte(sig[0]), []byte(l.sign(blob.String(), exp[0]))) {
		return id.ID{}, ErrLinkInvalid
	}
	seconds, err := strconv.ParseInt(exp[0], 10, 64)
	if err != nil {
		return id.ID{}, ErrLinkInvalid
	}
	if !time.Unix(seconds, 0).After(l.now()) {
		return id.ID{}, ErrLinkExpired
	}
	return blob, nil
}

func (l *Links) sign(blob, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte("v1|" + blob + "|" + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
