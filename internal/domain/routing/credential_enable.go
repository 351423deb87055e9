package routing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// ErrCredential says that a platform has no such credential.
var ErrCredential = fault.New(404, "not_found", "The platform has no such credential.")

// CredentialState is a credential with how it does on this node, which is ahead of its row.
type CredentialState struct {
	Credential
	Health UnitStatus
}

// Credentials lists the credentials of a platform of the actor's tenant, sealed, the oldest first. Code: not_found.
func (s *Service) Credentials(ctx context.Context, by event.Actor, platform id.ID) ([]CredentialState, error) {
	p, err := s.Store.PlatformByID(ctx, platform)
	if errors.Is(err, fault.ErrNotFound) || err == nil && p.TenantID != by.TenantID {
		return nil, ErrPlatform
	}
	if err != nil {
		return nil, err
	}
	out := make([]CredentialState, len(p.Credentials))
	for i := range p.Credentials {
		out[i] = s.credentialState(&p.Credentials[i])
	}
	return out, nil
}

// credentialState shows what this node knows of a credential; what people disabled stays disabled.
func (s *Service) credentialState(c *Credential) CredentialState {
	out := CredentialState{Credential: *c}
	if s.Health == nil {
		return out
	}
	h := s.Health.Unit(UnitCredential, c.ID, c.PlatformID).Status(s.Now())
	out.Health = h
	if c.Status == Disabled {
		return out
	}
	out.Status, out.DisabledReason, out.DisabledAt, out.CooldownUntil = Enabled, "", time.Time{}, h.Until
	if h.Disabled {
		out.Status, out.DisabledReason, out.DisabledAt = AutoDisabled, h.Reason, h.Since
	}
	return out
}

// EnableCredential puts a credential back into rotation that a policy, or somebody, took out: it is asked from the next
// request on. One that is in rotation stays as it is. Code: not_found.
func (s *Service) EnableCredential(ctx context.Context, by event.Actor, platform, credential id.ID) (CredentialState, error) {
	var before, after CredentialState
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		p, err := s.stored(ctx, t, by, platform)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(p.Credentials, func(c Credential) bool { return c.ID == credential })
		if at < 0 {
			return ErrCredential
		}
		before = s.credentialState(&p.Credentials[at])
		after = before
		if before.Status == Enabled && before.CooldownUntil.IsZero() {
			return nil
		}
		after.Status, after.DisabledReason, after.DisabledAt, after.CooldownUntil = Enabled, "", time.Time{}, time.Time{}
		return s.enableTx(ctx, t, by, &p, &before, &after)
	})
	return after, err
}

func (s *Service) enableTx(
	ctx context.Context, t tx.Tx, by event.Actor, p *Platform, before, after *CredentialState,
) error {
	after.UpdatedAt = s.Now()
	err := s.Store.CredentialEnable(ctx, t, p.ID, after.ID, after.UpdatedAt)
	if errors.Is(err, fault.ErrNotFound) {
		return ErrCredential
	}
	if err != nil {
		return err
	}
	t.AfterCommit(func() { s.reopen(after.ID, p.ID, by) })
	err = s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "platform", Action: "credential.enabled", TargetType: "platform_credential",
		TargetID: after.ID.String(), TargetTenantID: p.TenantID, Before: viewCredential(before), After: viewCredential(after),
		Metadata: map[string]any{"platformId": p.ID.String()},
	})
	if err != nil {
		return err
	}
	return s.changedTx(ctx, t)
}

// reopen makes this node forget what it held against a credential, once the database has.
func (s *Service) reopen(credential, platform id.ID, by event.Actor) {
	if s.Health == nil {
		return
	}
	now := s.Now()
	change, changed := s.Health.Unit(UnitCredential, credential, platform).Reopen(now)
	if changed && s.Events != nil {
		s.Events.Tell(change.Event(now, nil, by.RequestID))
	}
}

// Reopen opens a unit because somebody says that it is well.
func (u *Unit) Reopen(now time.Time) (Change, bool) {
	before := u.Status(now)
	u.mu.Lock()
	kind := EventReturn
	if u.disabled {
		kind = EventRecovery
	}
	was := u.until.Swap(0)
	u.level, u.firm, u.disabled, u.reason, u.since = 0, false, false, "", time.Time{}
	u.dirty = true // what is being written of it at this moment is not the last word
	clear(u.windows)
	u.probing.Store(0)
	u.mu.Unlock()
	return Change{Kind: kind, Unit: u, Before: before, After: u.Status(now)}, was != 0
}

type credentialView struct {
	Name          string    `json:"name"`
	Status        Status    `json:"status"`
	Reason        string    `json:"disabledReason,omitempty"`
	DisabledAt    time.Time `json:"disabledAt,omitzero"`
	CooldownUntil time.Time `json:"cooldownUntil,omitzero"`
}

func viewCredential(c *CredentialState) credentialView {
	return credentialView{c.Name, c.Status, c.DisabledReason, c.DisabledAt, c.CooldownUntil}
}
