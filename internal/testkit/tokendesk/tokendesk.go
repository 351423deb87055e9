// Package tokendesk issues tokens for fakes whose upstreams want them, and knows how long they are good for.
package tokendesk

import (
	"strconv"
	"sync"
	"time"
)

// Life is how long a token is good for.
const Life = 3599 * time.Second

// Desk issues tokens. The zero value is ready. It is safe for concurrent use.
type Desk struct {
	mu      sync.Mutex
	expires map[string]time.Time
	issued  int
	refuse  string // why no more are issued
}

// New issues a token, whose text begins with prefix.
func (d *Desk) New(prefix string, now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.expires == nil {
		d.expires = map[string]time.Time{}
	}
	d.issued++
	token := prefix + strconv.Itoa(d.issued)
	d.expires[token] = now.Add(Life)
	return token
}

// Valid reports whether a token was issued and is good still.
func (d *Desk) Valid(token string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	until, ok := d.expires[token]
	return ok && now.Before(until)
}

// Issued is how many tokens were issued.
func (d *Desk) Issued() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.issued
}

// Revoke ends all tokens that were issued.
func (d *Desk) Revoke() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expires = nil
}

// Refuse has no more issued, for an OAuth error such as "invalid_grant"; "" ends that.
func (d *Desk) Refuse(oauthError string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = oauthError
}

// Refusal is the error of Refuse; "" when there is none.
func (d *Desk) Refusal() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuse
}
