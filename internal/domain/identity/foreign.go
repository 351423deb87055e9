package identity

import (
	"context"
	"time"
)

// Foreign reads tokens that another issuer has signed.
type Foreign interface {
	// Claims reports whether a token says that it is the issuer's, which proves nothing yet. It does no I/O.
	Claims(token string) bool
	// Verify returns whom a token of the issuer stands for, and until when.
	// Codes: invalid_token, token_expired, identity_provider_failed.
	Verify(ctx context.Context, token string) (Person, time.Time, error)
}

// maxForeign bounds a foreign token; providers put lists of groups into theirs.
const maxForeign = 8192

// trust is a foreign issuer and what makes users of its people.
type trust struct {
	Foreign

	admit func(context.Context, Person) (User, error)
}

// Trust has tokens of a foreign issuer accepted; admit returns the user that a person is. It is called before the directory
// is used.
func (d *Directory) Trust(f Foreign, admit func(context.Context, Person) (User, error)) {
	d.foreign = &trust{f, admit}
}

// longest is how long a token may be.
func (d *Directory) longest() int {
	if d.foreign == nil {
		return maxToken
	}
	return maxForeign
}

// readForeign verifies a foreign token. It is looked at again after a minute, when the user may have other roles.
func (d *Directory) readForeign(ctx context.Context, token string, now time.Time) (*bearerEntry, error) {
	person, expires, err := d.foreign.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	user, err := d.foreign.admit(ctx, person)
	if err != nil {
		return nil, err
	}
	home, err := d.home(ctx, user)
	if err != nil {
		return nil, gone(err)
	}
	if err := home.refusal(); err != nil {
		return nil, err
	}
	p, err := d.principal(&home)
	p.Source, p.ExpiresAt = SourceJWT, expires
	return &bearerEntry{principal: p, expires: expires, readAgain: now.Add(bearerAge)}, err
}
