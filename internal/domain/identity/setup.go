package identity

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// setupSetting names the setting that holds the hash of the setup token.
const setupSetting = "identity.setup_token"

const setupTokenLen = 32 // 190 bits in base 62

// FirstKeyName is the name of the key that the first administrator starts with.
const FirstKeyName = "first-key"

type setupToken struct {
	Hash      []byte    `json:"hash"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// NeedsSetup reports whether there is no administrator yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	exists, err := s.Store.AdminExists(ctx, nil)
	return !exists, err
}

// NewBootstrap makes a one-time setup token in place of any before it, and keeps its hash. Code: setup_closed.
func (s *Service) NewBootstrap(ctx context.Context) (secret.String, error) {
	token := secret.New(secret.Random(setupTokenLen))
	hash := secret.Hash(token.Reveal())
	value, err := json.Marshal(setupToken{hash[:], s.Now().Add(s.config.SetupTTL)})
	if err != nil {
		return secret.String{}, err
	}
	return token, s.Store.InTx(ctx, func(t tx.Tx) error {
		exists, err := s.Store.AdminExists(ctx, t)
		if err != nil {
			return err
		}
		if exists {
			return ErrSetupClosed
		}
		return s.Settings.Put(ctx, t, setupSetting, value)
	})
}

// Setup makes the first administrator, with a first API key, and opens a console session.
// Codes: setup_closed once an administrator exists, setup_token_invalid, rate_limit, and those of CreateUser.
func (s *Service) Setup(ctx context.Context, c Client, token string, v NewUser) (SignedIn, error) {
	needed, err := s.NeedsSetup(ctx)
	if err != nil {
		return SignedIn{}, err
	}
	if !needed {
		return SignedIn{}, ErrSetupClosed
	}
	if err := s.checkSetupToken(ctx, c, token); err != nil {
		return SignedIn{}, err
	}
	if v.Password == "" {
		return SignedIn{}, fault.ErrInvalid.Saying("A password has 8 to 256 bytes.").At("password")
	}
	user, err := s.createAdmin(ctx, c, v, s.consumeSetupToken)
	if err != nil {
		return SignedIn{}, err
	}
	return s.open(ctx, c, user, SessionConsole)
}

func (s *Service) checkSetupToken(ctx context.Context, c Client, token string) error {
	if err := s.byAddress.take(c.IP); err != nil {
		return err
	}
	value, err := s.Settings.Get(ctx, nil, setupSetting)
	if errors.Is(err, fault.ErrNotFound) {
		return ErrSetupToken.At("token")
	}
	var kept setupToken
	if err := errors.Join(err, json.Unmarshal(value, &kept)); err != nil {
		return err
	}
	hash := secret.Hash(token)
	if subtle.ConstantTimeCompare(hash[:], kept.Hash) != 1 || !s.Now().Before(kept.ExpiresAt) {
		return ErrSetupToken.At("token")
	}
	s.byAddress.giveBack(c.IP)
	return nil
}

// consumeSetupToken deletes the token; of two setups at once the second finds none, on either database.
func (s *Service) consumeSetupToken(ctx context.Context, t tx.Tx) error {
	err := s.Settings.Delete(ctx, t, setupSetting)
	if errors.Is(err, fault.ErrNotFound) {
		return ErrSetupToken.At("token")
	}
	return err
}

// createAdmin makes an administrator with a first API key, in one transaction, if there is none.
func (s *Service) createAdmin(
	ctx context.Context, c Client, v NewUser, first func(context.Context, tx.Tx) error,
) (User, error) {
	v.Roles = []Role{RoleAdmin}
	by := event.Actor{Source: "system", IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID}
	return s.createUser(ctx, by, v, "user.setup", hooks{
		before: func(t tx.Tx) error {
			if err := first(ctx, t); err != nil {
				return err
			}
			exists, err := s.Store.AdminExists(ctx, t)
			if err == nil && exists {
				err = ErrSetupClosed
			}
			return err
		},
		after: func(t tx.Tx, app App) error {
			_, _, err := s.createKeyTx(ctx, t, by, app, NewKey{Name: FirstKeyName, Scopes: []string{"*"}})
			return err
		},
	})
}

// EnsureAdmin makes the administrator that the environment names, with a first API key, unless there is an administrator.
// It may run on several nodes at once.
func (s *Service) EnsureAdmin(ctx context.Context, username, password string) error {
	needed, err := s.NeedsSetup(ctx)
	if err != nil || !needed {
		return err
	}
	if password == "" {
		return fault.ErrInvalid.Saying("A password has 8 to 256 bytes.").At("password")
	}
	_, err = s.createAdmin(ctx, Client{}, NewUser{Username: username, Password: password},
		func(context.Context, tx.Tx) error { return nil })
	if errors.Is(err, ErrSetupClosed) || errors.Is(err, ErrUsernameTaken) {
		return nil
	}
	return err
}
