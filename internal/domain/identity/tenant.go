package identity

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// TenantChange is what is said about a tenant; nil fields stay as they are, and null empties an object.
type TenantChange struct {
	Key          *string
	Name         *string
	Description  *string
	Status       *Status
	Plan         *string
	Source       *string
	ExternalID   *string
	DefaultGroup *id.ID
	// AuthPolicy is {passwordLogin, invitationCode}: how people come in.
	AuthPolicy json.RawMessage
	// BillingProfile is {billingDiscountPolicy, quotaPolicy, overdraft} of the whole tenant.
	BillingProfile json.RawMessage
	RateLimit      json.RawMessage
	Metadata       json.RawMessage
}

// Tenants lists the tenants of a realm, the oldest first.
func (s *Service) Tenants(ctx context.Context, r Realm) ([]Tenant, error) {
	return s.Store.TenantList(ctx, r)
}

// TenantNamed returns the tenant of a realm with a key. Code: invalid_parameter at tenantKey.
func (s *Service) TenantNamed(ctx context.Context, r Realm, key string) (Tenant, error) {
	v, err := s.Store.TenantByKey(ctx, key)
	if errors.Is(err, fault.ErrNotFound) || (err == nil && !r.Holds(v.ID)) {
		return Tenant{}, errNoTenant.At("tenantKey")
	}
	return v, err
}

// CreateTenant makes a tenant, with a group that its users belong to. Key and Name are required. It is the platform's
// administrators' to call, as are ChangeTenant and DeleteTenant.
// Codes: invalid_parameter and those of policies with the path, tenant_key_taken, external_tenant_taken, invitation_taken.
func (s *Service) CreateTenant(ctx context.Context, by event.Actor, c TenantChange) (Tenant, error) {
	now := s.Now()
	v := Tenant{
		ID: id.At(now), Status: Active, Source: sourceLocal, AuthPolicy: emptyObject, Policies: emptyObject,
		Metadata: emptyObject, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.applyTenant(&v, c); err != nil {
		return Tenant{}, err
	}
	if c.DefaultGroup != nil && !c.DefaultGroup.IsZero() {
		return Tenant{}, errNoGroup.At("defaultUserGroupId") // it has none yet
	}
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		if err := s.Store.TenantInsert(ctx, t, &v); err != nil {
			return err
		}
		group := s.defaultGroup(v.ID)
		if err := s.Store.GroupInsert(ctx, t, &group); err != nil {
			return err
		}
		v.DefaultGroupID = group.ID
		if err := s.Store.TenantUpdate(ctx, t, &v); err != nil {
			return err
		}
		return s.Bus.Announce(ctx, t, tenantChange(by, &v, "tenant.created", nil, viewTenant(&v)))
	})
	return v, tenantTaken(err)
}

// ChangeTenant changes a tenant. One that is disabled lets none of its users or keys in, at once here and within two
// seconds elsewhere. Codes as CreateTenant's, not_found, default_tenant.
func (s *Service) ChangeTenant(ctx context.Context, by event.Actor, tenant id.ID, c TenantChange) (v Tenant, err error) {
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if v, err = s.Store.TenantLock(ctx, t, EveryTenant(), tenant); err != nil {
			return err
		}
		old := v
		if err := s.applyTenant(&v, c); err != nil {
			return err
		}
		if old.Key == DefaultTenantKey && (v.Key != old.Key || v.Status != Active) {
			return ErrDefaultTenant
		}
		if err := s.checkDefaultGroup(ctx, t, &v, old.DefaultGroupID); err != nil {
			return err
		}
		return s.writeTenant(ctx, t, by, "tenant.changed", &old, &v)
	})
	return v, tenantTaken(err)
}

// DeleteTenant deletes a tenant that has no users, and its groups. Its rows stay for the ledger's sake.
// Codes: not_found, default_tenant, tenant_in_use.
func (s *Service) DeleteTenant(ctx context.Context, by event.Actor, tenant id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		v, err := s.Store.TenantLock(ctx, t, EveryTenant(), tenant)
		if err != nil {
			return err
		}
		if v.Key == DefaultTenantKey {
			return ErrDefaultTenant
		}
		users, err := s.Store.UserCount(ctx, t, UserQuery{Realm: OneTenant(tenant)})
		if err != nil {
			return err
		}
		if users > 0 {
			return ErrTenantInUse.With("users", users)
		}
		old := v
		v.Status, v.InvitationHash = Deleted, nil
		if err := s.deleteGroupsTx(ctx, t, by, tenant); err != nil {
			return err
		}
		return s.writeTenant(ctx, t, by, "tenant.deleted", &old, &v)
	})
}

func (s *Service) writeTenant(ctx context.Context, t tx.Tx, by event.Actor, action string, old, v *Tenant) error {
	v.UpdatedAt = s.Now()
	if err := s.Store.TenantUpdate(ctx, t, v); err != nil {
		return err
	}
	t.AfterCommit(s.Directory.InvalidateAll)
	var after any
	if v.Status != Deleted {
		after = viewTenant(v)
	}
	return s.Bus.Announce(ctx, t, tenantChange(by, v, action, viewTenant(old), after))
}

// applyTenant writes what was said into the tenant.
func (s *Service) applyTenant(v *Tenant, c TenantChange) error {
	set(&v.Key, c.Key)
	set(&v.Name, c.Name)
	set(&v.Description, c.Description)
	set(&v.Status, c.Status)
	set(&v.Plan, c.Plan)
	set(&v.Source, c.Source)
	set(&v.ExternalID, c.ExternalID)
	set(&v.DefaultGroupID, c.DefaultGroup)
	err := firstError(checkKey("tenantKey", v.Key), checkName(v.Name), checkStatus(v.Status),
		CheckText("description", v.Description, maxDescription), CheckText("planKey", v.Plan, maxKey),
		CheckText("source", v.Source, maxKey), CheckText("externalTenantId", v.ExternalID, maxExternal),
		replaceObject(&v.Metadata, "metadata", c.Metadata))
	if err != nil {
		return err
	}
	if c.AuthPolicy != nil {
		if err := v.setAuthPolicy(c.AuthPolicy); err != nil {
			return err
		}
	}
	return s.applyTenantPolicies(v, c)
}

// billingMembers are the members of Tenant.Policies that billingProfile shows.
var billingMembers = []string{"billingDiscountPolicy", "quotaPolicy", "overdraft"}

func (s *Service) applyTenantPolicies(v *Tenant, c TenantChange) error {
	kept, err := members("policies", v.Policies)
	if err != nil {
		return fault.ErrInternal.Because(err)
	}
	if c.BillingProfile != nil {
		given, err := members("billingProfile", c.BillingProfile)
		if err != nil {
			return err
		}
		if err := refuseOthers("billingProfile", given, billingMembers...); err != nil {
			return err
		}
		for i, check := range []PolicyCheck{s.Policies.Discount, s.Policies.Quota, s.Policies.Overdraft} {
			name := billingMembers[i]
			if err := check("billingProfile."+name, given[name]); err != nil {
				return err
			}
			kept[name] = given[name]
		}
	}
	if c.RateLimit != nil {
		if err := s.Policies.RateLimit("rateLimitPolicy", c.RateLimit); err != nil {
			return err
		}
		kept["rateLimitPolicy"] = c.RateLimit
	}
	v.Policies = put(kept)
	return nil
}

// checkDefaultGroup wants a default group of the tenant's own, if it is another than before; none is allowed.
func (s *Service) checkDefaultGroup(ctx context.Context, t tx.Tx, v *Tenant, before id.ID) error {
	if v.DefaultGroupID.IsZero() || v.DefaultGroupID == before {
		return nil
	}
	return s.joinable(ctx, t, v.ID, v.DefaultGroupID)
}

// BillingProfile is the part of the tenant's policies that is about money.
func (v *Tenant) BillingProfile() json.RawMessage {
	kept, _ := members("policies", v.Policies) // written by put
	out := map[string]json.RawMessage{}
	for _, name := range billingMembers {
		out[name] = kept[name]
	}
	return put(out)
}

// RateLimitPolicy is the tenant's; {} when there is none.
func (v *Tenant) RateLimitPolicy() json.RawMessage {
	kept, _ := members("policies", v.Policies) // written by put
	return orEmpty(kept["rateLimitPolicy"])
}

// tenantTaken names the field of a duplicate.
func tenantTaken(err error) error {
	f := fault.From(err)
	if f == nil || !errors.Is(f, fault.ErrConflict) {
		return err
	}
	switch {
	case f.Path == "key" || f.Path == "tenantKey":
		return ErrTenantKeyTaken
	case f.Path == "externalId":
		return ErrExternalTenantTaken
	case strings.HasPrefix(f.Path, "invitation"):
		return ErrInvitationTaken
	}
	return err
}

// set writes a value that was given.
func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}
