package identity

import (
	"context"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// The kinds of sessions. A console session renews bearer tokens by its cookie and is not a credential itself; a gateway
// session stands behind one bearer token; an access session's token is sent with each request.
const (
	SessionConsole = "console"
	SessionGateway = "gateway"
	SessionAccess  = "access"
)

const sessionTokenLen = 43 // 256 bits in base 62

// SignedIn is a session that was opened or renewed.
type SignedIn struct {
	User      User
	Tenant    Tenant
	Group     Group // zero when the user has none
	Session   Session
	Token     string        // the bearer token
	ExpiresIn time.Duration // of the bearer token
	// SessionToken is what the browser's cookie holds; empty when renewed.
	SessionToken secret.String
}

// Login opens a session of the given kind for a user name or e-mail and its password.
// Codes: unauthorized (also when there is no such account), user_disabled, tenant_disabled, password_login_disabled,
// rate_limit.
func (s *Service) Login(ctx context.Context, c Client, account, password, kind string) (SignedIn, error) {
	key := accountKey(account, c.IP)
	if err := firstError(s.byAccount.take(key), s.byAddress.take(c.IP)); err != nil {
		return SignedIn{}, err
	}
	user, err := s.authenticate(ctx, account, password)
	if err != nil {
		return SignedIn{}, err
	}
	s.byAccount.forget(key)
	s.byAddress.giveBack(c.IP)
	home, err := s.Directory.home(ctx, user)
	if err != nil {
		return SignedIn{}, gone(err)
	}
	if err := home.refusal(); err != nil {
		return SignedIn{}, err
	}
	if !mayUsePassword(&user, &home.Tenant) {
		return SignedIn{}, ErrPasswordLogin
	}
	return s.open(ctx, c, user, kind)
}

func (s *Service) authenticate(ctx context.Context, account, password string) (User, error) {
	user, err := s.byName(ctx, account)
	if err != nil && !errors.Is(err, fault.ErrNotFound) {
		return User{}, err
	}
	same, err := s.Passwords.Matches(ctx, password, user.PasswordHash)
	if err != nil {
		return User{}, err
	}
	if !same {
		return User{}, ErrCredentials.Saying("Account or password is wrong.")
	}
	return user, nil
}

// byName finds an account; no name is nobody's, though e-mail addresses may be empty.
func (s *Service) byName(ctx context.Context, account string) (User, error) {
	if account == "" || len(account) > maxEmail {
		return User{}, fault.ErrNotFound
	}
	return s.Store.UserByAccount(ctx, account)
}

// open stores a fresh session and signs its first token.
func (s *Service) open(ctx context.Context, c Client, user User, kind string) (SignedIn, error) {
	token := secret.New(secret.Random(sessionTokenLen))
	hash := secret.Hash(token.Reveal())
	now := s.Now()
	session := Session{
		ID: id.At(now), UserID: user.ID, Hash: hash[:], Kind: kind, IP: c.IP, UserAgent: c.UserAgent, CreatedAt: now,
		ExpiresAt: now.Add(s.sessionTTL(kind)),
	}
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		fresh, err := s.Store.UserLock(ctx, t, EveryTenant(), user.ID)
		if err != nil {
			return err
		}
		if fresh.Status != Active {
			return ErrUserDisabled // since the password was checked
		}
		fresh.LastLoginAt = now
		user, session.Version = fresh, fresh.SessionVersion
		if err := s.Store.UserUpdate(ctx, t, &user); err != nil {
			return err
		}
		if err := s.Store.SessionInsert(ctx, t, &session); err != nil {
			return err
		}
		return s.Bus.Announce(ctx, t, sessionChange(actorOf(&user, c), &session, &user, "session.opened"))
	})
	if err != nil {
		return SignedIn{}, err
	}
	signed, err := s.sign(ctx, user, session)
	signed.SessionToken = token
	return signed, err
}

func (s *Service) sessionTTL(kind string) time.Duration {
	if kind == SessionConsole {
		return s.config.SessionTTL
	}
	return s.config.TokenTTL
}

// sign issues a bearer token for a session; it ends no later than the session.
func (s *Service) sign(ctx context.Context, user User, session Session) (SignedIn, error) {
	tenant, group, err := s.Home(ctx, user)
	if err != nil {
		return SignedIn{}, err
	}
	now := s.Now()
	ends := now.Add(s.config.TokenTTL)
	if ends.After(session.ExpiresAt) {
		ends = session.ExpiresAt
	}
	token, err := s.Tokens.Issue(Claims{
		UserID: user.ID, SessionID: session.ID, SessionVersion: user.SessionVersion, Roles: user.Roles,
		TenantID: user.TenantID, ExpiresAt: ends,
	})
	return SignedIn{User: user, Tenant: tenant, Group: group, Session: session, Token: token, ExpiresIn: ends.Sub(now)}, err
}

// Home returns the tenant and the group of a user; the group is zero when there is none.
func (s *Service) Home(ctx context.Context, user User) (Tenant, Group, error) {
	tenant, err := s.Store.TenantByID(ctx, user.TenantID)
	if err != nil || user.GroupID.IsZero() {
		return tenant, Group{}, err
	}
	group, err := s.Store.GroupByID(ctx, user.GroupID)
	if errors.Is(err, fault.ErrNotFound) {
		err = nil
	}
	return tenant, group, err
}

// Renew signs a fresh token for the session whose cookie is given. Code: unauthorized.
func (s *Service) Renew(ctx context.Context, sessionToken string) (SignedIn, error) {
	session, err := s.sessionByToken(ctx, sessionToken)
	if err != nil {
		return SignedIn{}, err
	}
	user, err := s.Store.UserByID(ctx, session.UserID)
	if errors.Is(err, fault.ErrNotFound) {
		return SignedIn{}, ErrCredentials
	}
	if err != nil {
		return SignedIn{}, err
	}
	home, err := s.Directory.home(ctx, user)
	if errors.Is(err, fault.ErrNotFound) || (err == nil && (home.refusal() != nil || session.Version != user.SessionVersion)) {
		return SignedIn{}, ErrCredentials
	}
	if err != nil {
		return SignedIn{}, err
	}
	return s.sign(ctx, user, session)
}

func (s *Service) sessionByToken(ctx context.Context, token string) (Session, error) {
	if len(token) != sessionTokenLen {
		return Session{}, ErrCredentials
	}
	hash := secret.Hash(token)
	session, err := s.Store.SessionByHash(ctx, hash[:])
	if errors.Is(err, fault.ErrNotFound) || (err == nil && !session.inForce(s.Now())) {
		return Session{}, ErrCredentials
	}
	return session, err
}

func (v *Session) inForce(now time.Time) bool { return v.RevokedAt.IsZero() && now.Before(v.ExpiresAt) }

// Logout ends the session whose cookie is given, and its tokens. Without such a session it does nothing.
func (s *Service) Logout(ctx context.Context, c Client, sessionToken string) error {
	session, err := s.sessionByToken(ctx, sessionToken)
	if errors.Is(err, ErrCredentials) {
		return nil
	}
	if err != nil {
		return err
	}
	user, err := s.Store.UserByID(ctx, session.UserID)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := s.Store.SessionRevoke(ctx, t, session.ID, s.Now()); err != nil {
			return err
		}
		t.AfterCommit(func() { s.Directory.InvalidateSession(session.ID) })
		return s.Bus.Announce(ctx, t, sessionChange(actorOf(&user, c), &session, &user, "session.revoked"))
	})
}

const (
	// sessionKept is how long a session is remembered after its end, for those who ask later who was signed in.
	sessionKept = 30 * 24 * time.Hour
	// forgetAtOnce bounds how long one transaction that forgets holds up the other writers.
	forgetAtOnce = 500
)

// ForgetSessions deletes the sessions that ended more than 30 days ago, and tells how many.
func (s *Service) ForgetSessions(ctx context.Context) (int, error) {
	before, all := s.Now().Add(-sessionKept), 0
	for {
		n := 0
		err := s.Store.InTx(ctx, func(t tx.Tx) (err error) {
			n, err = s.Store.SessionsForget(ctx, t, before, forgetAtOnce)
			return err
		})
		if err != nil {
			return all, err
		}
		if all += n; n < forgetAtOnce {
			return all, nil
		}
	}
}

// EndSessions ends every session and token of the actor at once. Other sessions of the user end too.
func (s *Service) EndSessions(ctx context.Context, by event.Actor) error {
	_, err := s.changeUser(ctx, by, "user.sessions_ended", func(u *User) error {
		u.SessionVersion++
		return nil
	})
	return err
}

// ChangePassword replaces the actor's own password and ends all sessions. Codes: unauthorized, invalid_parameter,
// rate_limit.
func (s *Service) ChangePassword(ctx context.Context, by event.Actor, current, next string) error {
	key := accountKey(by.UserID.String(), by.IP)
	if err := s.byAccount.take(key); err != nil {
		return err
	}
	user, err := s.Store.UserByID(ctx, by.UserID)
	if err != nil {
		return err
	}
	same, err := s.Passwords.Matches(ctx, current, user.PasswordHash)
	if err != nil {
		return err
	}
	if !same {
		return ErrCredentials.Saying("The current password is wrong.").At("currentPassword")
	}
	s.byAccount.forget(key)
	hash, err := s.Passwords.Hash(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.changeUser(ctx, by, "user.password_changed", func(u *User) error {
		u.PasswordHash, u.SessionVersion = hash, u.SessionVersion+1
		return nil
	})
	return err
}

func actorOf(user *User, c Client) event.Actor {
	return event.Actor{
		UserID: user.ID, Username: user.Username, TenantID: user.TenantID, Roles: RoleNames(user.Roles),
		Source: SourceSession, IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID,
	}
}

// RoleNames returns the roles as text.
func RoleNames(roles []Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}
