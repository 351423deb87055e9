package identity

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Mode is where users come from.
type Mode string

// The identity modes. Source: DESIGN section 5.
const (
	Standalone Mode = "standalone" // local accounts
	Hybrid     Mode = "hybrid"     // local accounts and another identity provider
	External   Mode = "external"   // another identity provider only
)

// Registration says who may make an account.
type Registration string

// The ways to register.
const (
	RegistrationOpen   Registration = "open"
	RegistrationInvite Registration = "invite" // with the configured invitation code
	RegistrationClosed Registration = "closed"
)

// Config is how the service behaves. Zero durations mean the defaults named at each.
type Config struct {
	Mode           Mode
	Registration   Registration
	InvitationCode secret.String
	TokenTTL       time.Duration // of a bearer token; 24 h
	SessionTTL     time.Duration // of a browser session; 7 days
	SetupTTL       time.Duration // of the setup token; 15 min
}

func (c Config) normal() Config {
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{{&c.TokenTTL, 24 * time.Hour}, {&c.SessionTTL, 7 * 24 * time.Hour}, {&c.SetupTTL, 15 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.instead
		}
	}
	return c
}

// Welcomer gives a new user what every user starts with, in the transaction that creates the user.
type Welcomer interface {
	WelcomeTx(ctx context.Context, t tx.Tx, tenant, user id.ID) error
}

// Settings is where identity keeps the hash of the setup token. A missing key is fault.ErrNotFound; t may be nil in Get.
type Settings interface {
	Get(ctx context.Context, t tx.Tx, key string) ([]byte, error)
	Put(ctx context.Context, t tx.Tx, key string, value []byte) error
	// Delete removes a key: of two that delete the same, one succeeds.
	Delete(ctx context.Context, t tx.Tx, key string) error
}

// Parts are what the service works with; all are required.
type Parts struct {
	Store     Store
	Settings  Settings
	Bus       *event.Bus
	Now       clock.Clock
	Passwords *Passwords
	Tokens    *Tokens
	Box       *secret.Box // purpose "api_key"
	Welcome   Welcomer
	Funds     Funds
	Policies  PolicyChecks
	Directory *Directory
}

// Funds tells whether a user can go without money being left behind.
type Funds interface {
	// Settled refuses while a wallet of the user's holds real money or owes it, or calls are under way.
	// Codes: wallet_not_empty, wallet_in_use.
	Settled(ctx context.Context, user id.ID) error
}

// Limits on tries. A wrong password counts against the account as seen from one address, and against the address.
const (
	triesPerAccount = 10
	triesPerAddress = 100
	triesWindow     = 15 * time.Minute
	// revealsPerHour bounds in how many sessions a user's keys are shown, and repeatsPerHour how often in one of them: what
	// a session was shown it has. Source: THREATS row 8, decision 0017.
	revealsPerHour = 10
	repeatsPerHour = 120
)

// Service is what people and programs do with accounts, sessions and keys.
type Service struct {
	Parts
	config    Config
	byAccount *limiter
	byAddress *limiter
	reveals   *limiter
	repeats   *limiter
}

// NewService returns the service.
func NewService(c Config, p Parts) *Service {
	return &Service{
		Parts: p, config: c.normal(),
		byAccount: newLimiter(p.Now, triesPerAccount, triesWindow),
		byAddress: newLimiter(p.Now, triesPerAddress, triesWindow),
		reveals:   newLimiter(p.Now, revealsPerHour, time.Hour),
		repeats:   newLimiter(p.Now, repeatsPerHour, time.Hour),
	}
}

// Mode is the configured identity mode.
func (s *Service) Mode() Mode { return s.config.Mode }

// RegistrationOpen reports whether people can make accounts for themselves, with or without an invitation.
func (s *Service) RegistrationOpen() bool {
	return s.config.Mode != External && s.config.Registration != RegistrationClosed
}

// EnsureDefaults makes the default tenant and its default group where they are missing. It may run on several nodes at
// once.
func (s *Service) EnsureDefaults(ctx context.Context) error {
	tenant, err := s.Store.TenantByKey(ctx, DefaultTenantKey)
	if errors.Is(err, fault.ErrNotFound) {
		tenant, err = s.insertDefaultTenant(ctx)
	}
	if err != nil {
		return err
	}
	_, err = s.Store.GroupByKey(ctx, tenant.ID, DefaultGroupKey)
	if errors.Is(err, fault.ErrNotFound) {
		err = s.insertDefaultGroup(ctx, tenant.ID)
	}
	return err
}

// DefaultGroupKey is the key of the group that new users belong to.
const DefaultGroupKey = "default"

// sourceLocal is the source of what was made here.
const sourceLocal = "local"

var emptyObject = json.RawMessage(`{}`)

func (s *Service) insertDefaultTenant(ctx context.Context) (Tenant, error) {
	now := s.Now()
	v := Tenant{
		ID: id.At(now), Key: DefaultTenantKey, Name: "Default", Status: Active, Source: sourceLocal, AuthPolicy: emptyObject,
		Policies: emptyObject, Metadata: emptyObject, CreatedAt: now, UpdatedAt: now,
	}
	err := s.Store.InTx(ctx, func(t tx.Tx) error { return s.Store.TenantInsert(ctx, t, &v) })
	if errors.Is(err, fault.ErrConflict) {
		return s.Store.TenantByKey(ctx, DefaultTenantKey)
	}
	return v, err
}

func (s *Service) insertDefaultGroup(ctx context.Context, tenant id.ID) error {
	v := s.defaultGroup(tenant)
	err := s.Store.InTx(ctx, func(t tx.Tx) error { return s.Store.GroupInsert(ctx, t, &v) })
	if errors.Is(err, fault.ErrConflict) {
		return nil
	}
	return err
}
