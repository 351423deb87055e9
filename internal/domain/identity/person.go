package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Person is somebody whom an identity provider vouches for. Source and ExternalID are required; who they are is told by
// these two alone, never by a name or an address that somebody else may have here.
type Person struct {
	Source     string // the provider's name
	ExternalID string // the person's there, for ever
	// Username and Email are what a new user gets if they are free. An address that is not verified is left out.
	Username    string
	Email       string
	DisplayName string
	// Roles replace those of the user; nil when the provider says nothing of roles.
	Roles []Role
	// Tenant is the key or the external id of the tenant; empty is the default one.
	Tenant string
}

// Admit returns the user that a person is, who is made when first seen. Roles that the provider tells become the user's.
// Codes: registration_closed in the mode standalone, tenant_unknown, tenant_disabled, user_disabled, and those of
// CreateUser.
func (s *Service) Admit(ctx context.Context, c Client, p Person) (User, error) {
	if s.config.Mode != Hybrid && s.config.Mode != External {
		return User{}, ErrRegistrationClosed
	}
	tenant, err := s.tenantOf(ctx, &p)
	if err != nil {
		return User{}, err
	}
	user, err := s.Store.UserByExternal(ctx, p.Source, p.ExternalID)
	if errors.Is(err, fault.ErrNotFound) {
		user, err = s.provision(ctx, c, &p, &tenant)
	}
	if err != nil {
		return User{}, err
	}
	if user.TenantID != tenant.ID {
		return User{}, ErrTenantUnknown
	}
	home := Home{User: user, Tenant: tenant}
	if err := home.refusal(); err != nil {
		return User{}, err
	}
	return s.syncRoles(ctx, c, user, p.Roles)
}

// OpenFor opens a session of the given kind for a person. Codes: those of Admit.
func (s *Service) OpenFor(ctx context.Context, c Client, p Person, kind string) (SignedIn, error) {
	user, err := s.Admit(ctx, c, p)
	if err != nil {
		return SignedIn{}, err
	}
	return s.open(ctx, c, user, kind)
}

func (s *Service) tenantOf(ctx context.Context, p *Person) (Tenant, error) {
	if p.Tenant == "" {
		return s.Store.TenantByKey(ctx, DefaultTenantKey)
	}
	v, err := s.Store.TenantByName(ctx, p.Tenant)
	if errors.Is(err, fault.ErrNotFound) {
		err = ErrTenantUnknown
	}
	return v, err
}

// namesTried bounds how many names are tried for a new user whose own is taken; the last one is by chance.
const namesTried = 5

// provision makes the user that a person is. A name that is taken gets a number, an address that is taken is left out: that
// somebody here has it does not make them this person.
func (s *Service) provision(ctx context.Context, c Client, p *Person, tenant *Tenant) (User, error) {
	v := NewUser{
		Email: p.Email, DisplayName: p.DisplayName, Roles: p.Roles, Tenant: tenant.ID, Source: p.Source,
		ExternalID: p.ExternalID,
	}
	if checkEmail(v.Email) != nil {
		v.Email = ""
	}
	if v.DisplayName == "" || CheckText("displayName", v.DisplayName, maxName) != nil {
		v.DisplayName = usernameFrom(p)
	}
	by := systemActor(c)
	for try := 1; ; {
		v.Username = numbered(usernameFrom(p), try)
		user, err := s.createUser(ctx, by, v, "user.provisioned", hooks{})
		switch {
		case errors.Is(err, ErrExternalUserTaken): // made at the same time, by a second request
			return s.Store.UserByExternal(ctx, p.Source, p.ExternalID)
		case errors.Is(err, ErrEmailTaken):
			v.Email = ""
		case errors.Is(err, ErrUsernameTaken) && try < namesTried:
			try++
		default:
			return user, err
		}
	}
}

// usernameFrom makes a name out of what the provider tells.
func usernameFrom(p *Person) string {
	name, _, _ := strings.Cut(p.Username, "@")
	name = strings.Map(func(r rune) rune {
		if notUsername(r) {
			return -1
		}
		return r
	}, name)
	if len(name) < minUsername {
		name = "user-" + name
	}
	return name[:min(len(name), maxUsername-8)]
}

func numbered(name string, try int) string {
	switch try {
	case 1:
		return name
	case namesTried:
		return name + "-" + secret.Random(6)
	}
	return fmt.Sprintf("%s-%d", name, try)
}

// syncRoles gives a user the roles that the provider tells; nil leaves them.
func (s *Service) syncRoles(ctx context.Context, c Client, user User, roles []Role) (User, error) {
	if roles == nil || slices.Equal(roles, user.Roles) {
		return user, nil
	}
	return s.editUser(ctx, systemActor(c), OneTenant(user.TenantID), user.ID, "user.roles_synced",
		func(_ tx.Tx, u *User) error {
			u.Roles = roles
			return checkRoles(roles)
		})
}

func systemActor(c Client) event.Actor {
	return event.Actor{Source: "system", IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID}
}
