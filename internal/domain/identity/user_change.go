package identity

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// UserChange is what an administrator says about a user; nil fields stay as they are.
type UserChange struct {
	Username    *string
	Email       *string
	Phone       *string
	DisplayName *string
	AvatarURL   *string
	Password    *string // also ends all sessions of the user
	Roles       *[]Role
	Status      *Status
	Group       *id.ID // zero: none
	// Tenant can only be the one that the user has: wallets, keys and calls belong to it.
	Tenant *id.ID
	// Source and ExternalID say which person of an identity provider this is.
	Source      *string
	ExternalID  *string
	AuthProfile json.RawMessage
	Metadata    json.RawMessage
}

// ChangeUser changes a user of the realm. Who is disabled is let in nowhere, at once here and within two seconds elsewhere.
// Codes as CreateUser's, not_found, tenant_fixed, last_administrator.
func (s *Service) ChangeUser(ctx context.Context, by event.Actor, r Realm, user id.ID, c UserChange) (User, error) {
	var hash secret.String
	if c.Password != nil {
		var err error
		if hash, err = s.Passwords.Hash(ctx, *c.Password); err != nil {
			return User{}, err
		}
	}
	v, err := s.editUser(ctx, by, r, user, "user.changed", func(t tx.Tx, u *User) error {
		old := *u
		if err := mayChange(by, r, u, c); err != nil {
			return err
		}
		if err := u.apply(c); err != nil {
			return err
		}
		if c.Password != nil {
			u.PasswordHash, u.SessionVersion = hash, u.SessionVersion+1
		}
		if !u.GroupID.IsZero() && u.GroupID != old.GroupID {
			if err := s.joinable(ctx, t, u.TenantID, u.GroupID); err != nil {
				return err
			}
		}
		return s.keepAnAdmin(ctx, t, &old, u)
	})
	return v, taken(err)
}

// DeleteUser deletes a user of the realm with all keys. Wallets, calls and entries of the ledger stay.
// Codes: not_found, forbidden, last_administrator, wallet_not_empty, wallet_in_use.
func (s *Service) DeleteUser(ctx context.Context, by event.Actor, r Realm, user id.ID) error {
	_, err := s.editUser(ctx, by, r, user, "user.deleted", func(t tx.Tx, u *User) error {
		old := *u
		if err := mayChange(by, r, u, UserChange{}); err != nil {
			return err
		}
		u.Status, u.PasswordHash, u.SessionVersion = Deleted, secret.String{}, u.SessionVersion+1
		if err := s.keepAnAdmin(ctx, t, &old, u); err != nil {
			return err
		}
		if err := s.Funds.Settled(ctx, u.ID); err != nil {
			return err
		}
		return s.Store.APIKeysDelete(ctx, t, u.ID, s.Now())
	})
	return err
}

// editUser changes a user of the realm, whose row is locked, so that nothing is written back that somebody else has changed
// in between.
func (s *Service) editUser(
	ctx context.Context, by event.Actor, r Realm, target id.ID, action string, change func(tx.Tx, *User) error,
) (user User, err error) {
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if user, err = s.Store.UserLock(ctx, t, r, target); err != nil {
			return err
		}
		before := viewUser(&user)
		if err := change(t, &user); err != nil {
			return err
		}
		user.UpdatedAt = s.Now()
		if err := s.Store.UserUpdate(ctx, t, &user); err != nil {
			return err
		}
		t.AfterCommit(func() { s.Directory.InvalidateUser(user.ID) })
		var after any
		if user.Status != Deleted {
			after = viewUser(&user)
		}
		return s.Bus.Announce(ctx, t, userChange(by, &user, action, before, after))
	})
	return user, err
}

// tenantRoles are what administrators of a tenant may give: roles below their own that reach nothing outside of it.
var tenantRoles = []Role{RoleUser, RoleSupport, RoleFinance}

// mayChange keeps administrators of a tenant below those whom the platform has appointed. Codes: forbidden, tenant_fixed.
func mayChange(by event.Actor, r Realm, u *User, c UserChange) error {
	if c.Tenant != nil && *c.Tenant != u.TenantID {
		return ErrTenantFixed.At("tenantId")
	}
	if !r.All() && u.ID != by.UserID && !subset(u.Roles, tenantRoles) {
		return fault.ErrForbidden.Saying("Only the platform's administrators may change this user.")
	}
	source, external := c.Source != nil && *c.Source != u.Source, c.ExternalID != nil && *c.ExternalID != u.ExternalID
	if err := refuseLink(r, source, external); err != nil {
		return err
	}
	if c.Roles == nil {
		return nil
	}
	return refuseRoles(r, u.Roles, *c.Roles)
}

func subset(roles, of []Role) bool {
	return !slices.ContainsFunc(roles, func(r Role) bool { return !slices.Contains(of, r) })
}

// refuseRoles refuses roles that the realm's administrators may not give; what the user has already may stay.
func refuseRoles(r Realm, has, given []Role) error {
	if r.All() || subset(given, append(slices.Clone(tenantRoles), has...)) {
		return nil
	}
	return fault.ErrForbidden.Saying("Administrators of a tenant give the roles user, support and finance.").At("roles")
}

// refuseLink keeps administrators of a tenant from taking people of an identity provider for their own.
func refuseLink(r Realm, source, external bool) error {
	switch forbidden := fault.ErrForbidden.Saying("Only the platform's administrators link users to an identity provider."); {
	case r.All():
		return nil
	case source:
		return forbidden.At("source")
	case external:
		return forbidden.At("externalUserId")
	}
	return nil
}

// checkLink wants texts.
func checkLink(source, external string) error {
	return firstError(CheckText("source", source, maxKey), CheckText("externalUserId", external, maxExternal))
}

// apply writes what was said into the user.
func (u *User) apply(c UserChange) error {
	set(&u.Username, c.Username)
	set(&u.Email, c.Email)
	set(&u.Phone, c.Phone)
	set(&u.DisplayName, c.DisplayName)
	set(&u.AvatarURL, c.AvatarURL)
	set(&u.Roles, c.Roles)
	set(&u.Status, c.Status)
	set(&u.GroupID, c.Group)
	set(&u.Source, c.Source)
	set(&u.ExternalID, c.ExternalID)
	if len(u.Roles) == 0 {
		u.Roles = []Role{RoleUser}
	}
	if c.AuthProfile != nil {
		if err := u.setAuthProfile(c.AuthProfile); err != nil {
			return err
		}
	}
	return firstError(checkUsername(u.Username), checkEmail(u.Email), CheckText("displayName", u.DisplayName, maxName),
		CheckText("phone", u.Phone, maxPhone), CheckText("avatarUrl", u.AvatarURL, maxURL), checkRoles(u.Roles),
		checkStatus(u.Status), checkLink(u.Source, u.ExternalID), replaceObject(&u.Metadata, "metadata", c.Metadata))
}

// keepAnAdmin refuses a change after which nobody administers the platform. Code: last_administrator.
func (s *Service) keepAnAdmin(ctx context.Context, t tx.Tx, old, u *User) error {
	if !old.administers() || u.administers() {
		return nil
	}
	tenant, err := s.Store.TenantByID(ctx, u.TenantID)
	if err != nil || tenant.Key != DefaultTenantKey {
		return err
	}
	admins, err := s.Store.AdminsLock(ctx, t, tenant.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(admins, func(a id.ID) bool { return a != u.ID }) {
		return ErrLastAdministrator
	}
	return nil
}

func (u *User) administers() bool { return u.Status == Active && slices.Contains(u.Roles, RoleAdmin) }
