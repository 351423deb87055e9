package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

const (
	maxBearers = 16_384
	// bearerAge is after how long a token's session is read again, in case news of its end was lost. Source: THREATS row 5.
	bearerAge = 60 * time.Second
	// maxAuthorization bounds what is looked at.
	maxAuthorization = maxForeign + len("Bearer ")
)

// bearers holds what verified tokens stand for, by their hash.
type bearers struct {
	mu sync.RWMutex
	by map[[32]byte]*bearerEntry
}

type bearerEntry struct {
	principal Principal
	expires   time.Time
	readAgain time.Time
}

func (b *bearers) init() { b.by = map[[32]byte]*bearerEntry{} }

func (b *bearers) get(hash [32]byte, now time.Time) *bearerEntry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	e := b.by[hash]
	if e == nil || !now.Before(e.readAgain) {
		return nil
	}
	return e
}

func (b *bearers) put(hash [32]byte, e *bearerEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.by) >= maxBearers {
		clear(b.by) // tokens are cheap to verify again; what matters is the bound
	}
	b.by[hash] = e
}

func (b *bearers) drop(match func(*Principal) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, e := range b.by {
		if match(&e.principal) {
			delete(b.by, hash)
		}
	}
}

// Authenticate returns who an Authorization header speaks for: an API key, a bearer token or the token of an access
// session, told apart by their form alone. Source: contracts/INDEX C7. Codes: those of Key and Bearer; unauthorized
// when there is nothing to go by.
func (d *Directory) Authenticate(ctx context.Context, authorization string) (*Principal, error) {
	if len(authorization) > maxAuthorization {
		return nil, ErrTokenInvalid
	}
	token := strings.TrimSpace(authorization)
	if len(token) >= 6 && strings.EqualFold(token[:6], "bearer") && (len(token) == 6 || token[6] == ' ') {
		token = strings.TrimSpace(token[6:])
	}
	switch {
	case token == "":
		return nil, ErrCredentials
	case strings.HasPrefix(token, "sk-"):
		return d.Key(ctx, token)
	case strings.Count(token, ".") >= 2:
		return d.Bearer(ctx, token)
	}
	return d.Access(ctx, token)
}

// Bearer returns the user whom a token was issued to, if its session is still in force.
// Codes: invalid_token, token_expired, user_disabled.
func (d *Directory) Bearer(ctx context.Context, token string) (*Principal, error) {
	if len(token) > d.longest() {
		return nil, ErrTokenInvalid
	}
	hash, now := sha256.Sum256([]byte(token)), d.now()
	if e := d.bearers.get(hash, now); e != nil {
		if !now.Before(e.expires) {
			return nil, ErrTokenExpired
		}
		return &e.principal, nil
	}
	before := d.changes.Load()
	e, err := d.verifyBearer(ctx, token, now)
	if err != nil {
		return nil, err
	}
	if d.changes.Load() == before {
		d.bearers.put(hash, e)
	}
	return &e.principal, nil
}

func (d *Directory) verifyBearer(ctx context.Context, token string, now time.Time) (*bearerEntry, error) {
	if d.foreign != nil && d.foreign.Claims(token) {
		return d.readForeign(ctx, token, now)
	}
	claims, err := d.tokens.Parse(token)
	if err != nil {
		return nil, err
	}
	return d.readBearer(ctx, claims, now)
}

func (d *Directory) readBearer(ctx context.Context, c Claims, now time.Time) (*bearerEntry, error) {
	session, err := d.store.SessionByID(ctx, c.SessionID)
	if err != nil {
		return nil, gone(err)
	}
	if session.UserID != c.UserID || !session.inForce(now) {
		return nil, ErrTokenInvalid
	}
	user, p, err := d.owner(ctx, session)
	if err != nil {
		return nil, err
	}
	if user.SessionVersion != c.SessionVersion {
		return nil, ErrTokenInvalid
	}
	p.Source, p.SessionID, p.ExpiresAt = SourceJWT, session.ID, c.ExpiresAt
	return &bearerEntry{principal: p, expires: c.ExpiresAt, readAgain: now.Add(bearerAge)}, nil
}

// Access returns the user of an access session by its token. Other kinds of sessions are not credentials.
// Codes: unauthorized, user_disabled.
func (d *Directory) Access(ctx context.Context, token string) (*Principal, error) {
	if len(token) != sessionTokenLen {
		return nil, ErrCredentials
	}
	hash := secret.Hash(token)
	session, err := d.store.SessionByHash(ctx, hash[:])
	if errors.Is(err, fault.ErrNotFound) {
		return nil, ErrCredentials
	}
	if err != nil {
		return nil, err
	}
	if session.Kind != SessionAccess || !session.inForce(d.now()) {
		return nil, ErrCredentials
	}
	user, p, err := d.owner(ctx, session)
	if err != nil {
		return nil, err
	}
	if user.SessionVersion != session.Version {
		return nil, ErrCredentials
	}
	p.Source, p.SessionID, p.ExpiresAt = SourceSession, session.ID, session.ExpiresAt
	return &p, nil
}

func (d *Directory) owner(ctx context.Context, session Session) (User, Principal, error) {
	user, err := d.store.UserByID(ctx, session.UserID)
	if err != nil {
		return User{}, Principal{}, gone(err)
	}
	home, err := d.home(ctx, user)
	if err != nil {
		return User{}, Principal{}, gone(err)
	}
	if err := home.refusal(); err != nil {
		return User{}, Principal{}, err
	}
	p, err := d.principal(&home)
	return user, p, err
}

// gone turns a missing row into a token that is no longer good.
func gone(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return ErrTokenInvalid
	}
	return err
}

// InvalidateSession forgets the tokens of a session.
func (d *Directory) InvalidateSession(session id.ID) {
	d.changes.Add(1)
	d.bearers.drop(func(p *Principal) bool { return p.SessionID == session })
}
