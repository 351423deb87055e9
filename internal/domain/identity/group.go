package identity

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// GroupChange is what is said about a group; nil fields stay as they are, and null empties a policy.
type GroupChange struct {
	Key         *string
	Name        *string
	Description *string
	Status      *Status
	Priority    *int64
	Source      *string
	// Discount and Recharge decide what the group pays: only the platform's administrators set them.
	Discount  json.RawMessage
	Recharge  json.RawMessage
	RateLimit json.RawMessage
	Quota     json.RawMessage
	Metadata  json.RawMessage
}

var errNoGroup = fault.ErrInvalid.Saying("The tenant has no such group that takes members.")

// Groups lists the groups of a realm, the oldest first.
func (s *Service) Groups(ctx context.Context, r Realm) ([]Group, error) {
	return s.Store.GroupList(ctx, r)
}

// CreateGroup makes a group in a tenant of the realm. Key and Name are required.
// Codes: invalid_parameter and those of policies with the path, at tenantId too, forbidden for discounts,
// group_key_taken.
func (s *Service) CreateGroup(ctx context.Context, by event.Actor, r Realm, tenant id.ID, c GroupChange) (Group, error) {
	v := s.defaultGroup(tenant)
	v.Key, v.Name = "", ""
	if err := s.applyGroup(&v, r, c); err != nil {
		return Group{}, err
	}
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		_, err := s.Store.TenantLock(ctx, t, r, tenant)
		if errors.Is(err, fault.ErrNotFound) {
			err = errNoTenant
		}
		if err != nil {
			return err
		}
		if err := s.Store.GroupInsert(ctx, t, &v); err != nil {
			return err
		}
		return s.Bus.Announce(ctx, t, groupChange(by, &v, "user_group.created", nil, viewGroup(&v)))
	})
	return v, groupTaken(err)
}

// ChangeGroup changes a group of the realm; its members' next calls go by it. Codes as CreateGroup's, default_group.
func (s *Service) ChangeGroup(
	ctx context.Context, by event.Actor, r Realm, group id.ID, c GroupChange,
) (v Group, err error) {
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if v, err = s.Store.GroupLock(ctx, t, r, group); err != nil {
			return err
		}
		old := v
		if err := s.applyGroup(&v, r, c); err != nil {
			return err
		}
		if v.Key != old.Key || v.Status != Active {
			if err := s.refuseDefault(ctx, &old); err != nil {
				return err
			}
		}
		return s.writeGroup(ctx, t, by, "user_group.changed", &old, &v)
	})
	return v, groupTaken(err)
}

// DeleteGroup deletes a group of the realm that has no members. Codes: not_found, default_group, group_in_use.
func (s *Service) DeleteGroup(ctx context.Context, by event.Actor, r Realm, group id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		v, err := s.Store.GroupLock(ctx, t, r, group)
		if err != nil {
			return err
		}
		if err := s.refuseDefault(ctx, &v); err != nil {
			return err
		}
		users, err := s.Store.UserCount(ctx, t, UserQuery{Realm: OneTenant(v.TenantID), Group: group})
		if err != nil {
			return err
		}
		if users > 0 {
			return ErrGroupInUse.With("users", users)
		}
		return s.deleteGroupTx(ctx, t, by, &v)
	})
}

func (s *Service) deleteGroupTx(ctx context.Context, t tx.Tx, by event.Actor, v *Group) error {
	old := *v
	v.Status = Deleted
	return s.writeGroup(ctx, t, by, "user_group.deleted", &old, v)
}

// deleteGroupsTx deletes the groups of a tenant that goes.
func (s *Service) deleteGroupsTx(ctx context.Context, t tx.Tx, by event.Actor, tenant id.ID) error {
	groups, err := s.Store.GroupList(ctx, OneTenant(tenant))
	if err != nil {
		return err
	}
	for i := range groups {
		if err := s.deleteGroupTx(ctx, t, by, &groups[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) writeGroup(ctx context.Context, t tx.Tx, by event.Actor, action string, old, v *Group) error {
	v.UpdatedAt = s.Now()
	if err := s.Store.GroupUpdate(ctx, t, v); err != nil {
		return err
	}
	t.AfterCommit(s.Directory.InvalidateAll)
	var after any
	if v.Status != Deleted {
		after = viewGroup(v)
	}
	return s.Bus.Announce(ctx, t, groupChange(by, v, action, viewGroup(old), after))
}

// refuseDefault keeps the group that new users of the tenant come into. Code: default_group.
func (s *Service) refuseDefault(ctx context.Context, v *Group) error {
	tenant, err := s.Store.TenantByID(ctx, v.TenantID)
	if err != nil {
		return err
	}
	if tenant.DefaultGroupID == v.ID || (tenant.DefaultGroupID.IsZero() && v.Key == DefaultGroupKey) {
		return ErrDefaultGroup
	}
	return nil
}

// applyGroup writes what was said into the group.
func (s *Service) applyGroup(v *Group, r Realm, c GroupChange) error {
	if err := refuseDiscounts(v, r, c); err != nil {
		return err
	}
	set(&v.Key, c.Key)
	set(&v.Name, c.Name)
	set(&v.Description, c.Description)
	set(&v.Status, c.Status)
	set(&v.Priority, c.Priority)
	set(&v.Source, c.Source)
	return firstError(checkKey("groupKey", v.Key), checkName(v.Name), checkStatus(v.Status),
		CheckText("description", v.Description, maxDescription), CheckText("source", v.Source, maxKey),
		replacePolicy(&v.BillingDiscountPolicy, "billingDiscountPolicy", c.Discount, s.Policies.Discount),
		replacePolicy(&v.RechargeDiscountPolicy, "rechargeDiscountPolicy", c.Recharge, s.Policies.Recharge),
		replacePolicy(&v.RateLimitPolicy, "rateLimitPolicy", c.RateLimit, s.Policies.RateLimit),
		replacePolicy(&v.QuotaPolicy, "quotaPolicy", c.Quota, s.Policies.Quota),
		replaceObject(&v.Metadata, "metadata", c.Metadata))
}

// refuseDiscounts keeps the administrators of a tenant from giving it the platform's money. What is sent back unchanged
// passes. Code: forbidden.
func refuseDiscounts(v *Group, r Realm, c GroupChange) error {
	if r.All() {
		return nil
	}
	for path, given := range map[string][2]json.RawMessage{
		"billingDiscountPolicy":  {c.Discount, v.BillingDiscountPolicy},
		"rechargeDiscountPolicy": {c.Recharge, v.RechargeDiscountPolicy},
	} {
		if given[0] != nil && string(orEmpty(given[0])) != string(orEmpty(given[1])) {
			return fault.ErrForbidden.Saying("Discounts are set by the platform's administrators.").At(path)
		}
	}
	return nil
}

// joinable refuses a group that is not the tenant's or takes no members, and keeps it as it is until t ends.
// Code: invalid_parameter at defaultUserGroupId.
func (s *Service) joinable(ctx context.Context, t tx.Tx, tenant, group id.ID) error {
	v, err := s.Store.GroupLock(ctx, t, OneTenant(tenant), group)
	if errors.Is(err, fault.ErrNotFound) || (err == nil && v.Status != Active) {
		return errNoGroup.At("defaultUserGroupId")
	}
	return err
}

// defaultGroup is a new group as every tenant begins with.
func (s *Service) defaultGroup(tenant id.ID) Group {
	now := s.Now()
	return Group{
		ID: id.At(now), TenantID: tenant, Key: DefaultGroupKey, Name: "Default", Status: Active, Source: sourceLocal,
		BillingDiscountPolicy: emptyObject, RechargeDiscountPolicy: emptyObject, RateLimitPolicy: emptyObject,
		QuotaPolicy: emptyObject, Metadata: emptyObject, CreatedAt: now, UpdatedAt: now,
	}
}

func groupTaken(err error) error {
	if f := fault.From(err); f != nil && errors.Is(f, fault.ErrConflict) && (f.Path == "key" || f.Path == "groupKey") {
		return ErrGroupKeyTaken
	}
	return err
}
