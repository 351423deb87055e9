package identity

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// NewUser describes a user to be made. Username and, unless the user signs in elsewhere, Password are required.
type NewUser struct {
	Username    string
	Email       string
	Phone       string
	DisplayName string // empty: the user name
	AvatarURL   string
	Password    string // empty: no local password
	Roles       []Role // empty: user
	Tenant      id.ID  // zero: the realm's, which for all tenants is the default one
	Group       id.ID  // zero: the one that new users of the tenant belong to
	Status      Status // empty: active
	Source      string // empty: local
	ExternalID  string
	AuthProfile json.RawMessage
	Metadata    json.RawMessage
	Preferences json.RawMessage
}

// Client is the program at the other end, as far as it can be known.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// Register makes an account for whoever asks and signs them in.
// Codes: registration_closed, invitation_invalid, username_taken, email_taken, invalid_parameter, rate_limit.
func (s *Service) Register(ctx context.Context, c Client, v NewUser, invitation string) (SignedIn, error) {
	tenant, err := s.mayRegister(ctx, c, invitation)
	if err != nil {
		return SignedIn{}, err
	}
	if v.Password == "" {
		return SignedIn{}, fault.ErrInvalid.Saying("A password has 8 to 256 bytes.").At("password")
	}
	v.Roles, v.Tenant = []Role{RoleUser}, tenant
	user, err := s.createUser(ctx, event.Actor{Source: "system", IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID},
		v, "user.registered", hooks{})
	if err != nil {
		return SignedIn{}, err
	}
	return s.open(ctx, c, user, SessionGateway)
}

// mayRegister returns the tenant into which somebody may register; zero is the default one.
func (s *Service) mayRegister(ctx context.Context, c Client, invitation string) (tenant id.ID, err error) {
	if !s.RegistrationOpen() {
		return tenant, ErrRegistrationClosed
	}
	// Each try counts: accounts come with money and cost work.
	if err := s.byAddress.take(c.IP); err != nil {
		return tenant, err
	}
	if invitation == "" && s.config.Registration != RegistrationInvite {
		return tenant, nil
	}
	return s.invited(ctx, invitation)
}

// invited returns the tenant that an invitation code is for: the configured code is for the default one. A code that is
// for none refuses also where none is needed, since whoever gives one means to come in by it.
func (s *Service) invited(ctx context.Context, invitation string) (id.ID, error) {
	want := s.config.InvitationCode.Reveal()
	if want != "" && subtle.ConstantTimeCompare([]byte(invitation), []byte(want)) == 1 {
		return id.ID{}, nil
	}
	if len(invitation) < minInvitation || len(invitation) > maxInvitation {
		return id.ID{}, ErrInvitation.At("invitationCode")
	}
	hash := secret.Hash(invitation)
	tenant, err := s.Store.TenantByInvitation(ctx, hash[:])
	if errors.Is(err, fault.ErrNotFound) || (err == nil && tenant.Status != Active) {
		return id.ID{}, ErrInvitation.At("invitationCode")
	}
	return tenant.ID, err
}

// CreateUser makes a user in the realm on an administrator's behalf.
// Codes as Register's, invalid_parameter at "roles", "tenantId" and "defaultUserGroupId", forbidden for what
// only the platform's administrators give, external_user_taken.
func (s *Service) CreateUser(ctx context.Context, by event.Actor, r Realm, v NewUser) (User, error) {
	if v.Tenant.IsZero() {
		v.Tenant = r.Tenant()
	}
	if !r.All() && !r.Holds(v.Tenant) {
		return User{}, errNoTenant
	}
	if err := refuseRoles(r, nil, v.Roles); err != nil {
		return User{}, err
	}
	if err := refuseLink(r, v.Source != "" && v.Source != sourceLocal, v.ExternalID != ""); err != nil {
		return User{}, err
	}
	return s.createUser(ctx, by, v, "user.created", hooks{})
}

// hooks are what else belongs into the transaction that creates a user; nil means nothing.
type hooks struct {
	before func(tx.Tx) error
	after  func(tx.Tx, App) error
}

// createUser makes the user, the default app and what everybody starts with.
func (s *Service) createUser(ctx context.Context, by event.Actor, v NewUser, action string, h hooks) (User, error) {
	user, err := s.prepareUser(ctx, v)
	if err != nil {
		return User{}, err
	}
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if h.before != nil {
			if err := h.before(t); err != nil {
				return err
			}
		}
		if err := s.stillThere(ctx, t, &user); err != nil {
			return err
		}
		app, err := s.insertUserTx(ctx, t, by, &user, action)
		if err == nil && h.after != nil {
			err = h.after(t, app)
		}
		return err
	})
	return user, taken(err)
}

func (s *Service) insertUserTx(ctx context.Context, t tx.Tx, by event.Actor, user *User, action string) (App, error) {
	if err := s.Store.UserInsert(ctx, t, user); err != nil {
		return App{}, err
	}
	app := App{
		ID: id.At(user.CreatedAt), TenantID: user.TenantID, UserID: user.ID, Name: "Default", Default: true, Status: Active,
		Policies: emptyObject, CreatedAt: user.CreatedAt, UpdatedAt: user.CreatedAt,
	}
	if err := s.Store.AppInsert(ctx, t, &app); err != nil {
		return App{}, err
	}
	if err := s.Welcome.WelcomeTx(ctx, t, user.TenantID, user.ID); err != nil {
		return App{}, err
	}
	return app, s.Bus.Announce(ctx, t, userChange(by, user, action, nil, viewUser(user)))
}

// prepareUser checks the fields and hashes the password, which takes too long for a transaction.
func (s *Service) prepareUser(ctx context.Context, v NewUser) (User, error) {
	if v.DisplayName == "" {
		v.DisplayName = v.Username
	}
	if v.Status == "" {
		v.Status = Active
	}
	err := firstError(checkUsername(v.Username), checkStatus(v.Status), checkLink(v.Source, v.ExternalID),
		checkObject("metadata", v.Metadata), checkEmail(v.Email), CheckText("displayName", v.DisplayName, maxName),
		CheckText("phone", v.Phone, maxPhone), CheckText("avatarUrl", v.AvatarURL, maxURL), checkRoles(v.Roles))
	if err != nil {
		return User{}, err
	}
	if _, err := readAuthRules("authProfile", v.AuthProfile, "passwordLogin"); err != nil {
		return User{}, err
	}
	var hash secret.String
	if v.Password != "" {
		if hash, err = s.Passwords.Hash(ctx, v.Password); err != nil {
			return User{}, err
		}
	}
	return s.newUser(ctx, v, hash)
}

func (s *Service) newUser(ctx context.Context, v NewUser, hash secret.String) (User, error) {
	tenant, err := s.homeTenant(ctx, v.Tenant)
	if err != nil {
		return User{}, err
	}
	if v.Group.IsZero() {
		if v.Group, err = s.startingGroup(ctx, &tenant); err != nil {
			return User{}, err
		}
	}
	if len(v.Roles) == 0 {
		v.Roles = []Role{RoleUser}
	}
	if v.Source == "" {
		v.Source = sourceLocal
	}
	now := s.Now()
	return User{
		ID: id.At(now), TenantID: tenant.ID, GroupID: v.Group, Username: v.Username, Email: v.Email, Phone: v.Phone,
		DisplayName: v.DisplayName, AvatarURL: v.AvatarURL, PasswordHash: hash, Roles: v.Roles, Status: v.Status,
		Source: v.Source, ExternalID: v.ExternalID, AuthProfile: orEmpty(v.AuthProfile), SessionVersion: 1,
		Preferences: orEmpty(v.Preferences), Metadata: orEmpty(v.Metadata), CreatedAt: now, UpdatedAt: now,
	}, nil
}

var errNoTenant = fault.ErrInvalid.Saying("There is no such tenant.").At("tenantId")

// homeTenant returns the tenant of a new user; zero is the default one. Code: invalid_parameter at tenantId.
func (s *Service) homeTenant(ctx context.Context, tenant id.ID) (Tenant, error) {
	if tenant.IsZero() {
		return s.Store.TenantByKey(ctx, DefaultTenantKey)
	}
	v, err := s.Store.TenantByID(ctx, tenant)
	if errors.Is(err, fault.ErrNotFound) {
		err = errNoTenant
	}
	return v, err
}

// startingGroup is the group of a tenant's new users; zero when it has none.
func (s *Service) startingGroup(ctx context.Context, tenant *Tenant) (id.ID, error) {
	if !tenant.DefaultGroupID.IsZero() {
		return tenant.DefaultGroupID, nil
	}
	group, err := s.Store.GroupByKey(ctx, tenant.ID, DefaultGroupKey)
	if errors.Is(err, fault.ErrNotFound) {
		return id.ID{}, nil
	}
	return group.ID, err
}

// stillThere keeps the tenant and the group of a new user from going before the user is there.
func (s *Service) stillThere(ctx context.Context, t tx.Tx, user *User) error {
	if _, err := s.Store.TenantLock(ctx, t, OneTenant(user.TenantID), user.TenantID); err != nil || user.GroupID.IsZero() {
		return err
	}
	return s.joinable(ctx, t, user.TenantID, user.GroupID)
}

func orEmpty(v json.RawMessage) json.RawMessage {
	if noPolicy(v) {
		return emptyObject
	}
	return v
}

var knownRoles = []Role{RoleAdmin, RoleOperator, RoleFinance, RoleSupport, RoleSupplier, RoleUser}

func checkRoles(roles []Role) error {
	for _, r := range roles {
		if !slices.Contains(knownRoles, r) {
			return fault.ErrInvalid.Saying("The role is not known.").At("roles")
		}
	}
	return nil
}

// taken names the field of a duplicate.
func taken(err error) error {
	f := fault.From(err)
	switch {
	case f == nil || !errors.Is(f, fault.ErrConflict):
		return err
	case f.Path == "username":
		return ErrUsernameTaken
	case f.Path == "email":
		return ErrEmailTaken
	case f.Path == "externalId":
		return ErrExternalUserTaken
	}
	return err
}

// User returns a user, whatever the tenant. Code: not_found.
func (s *Service) User(ctx context.Context, user id.ID) (User, error) {
	return s.Store.UserByID(ctx, user)
}

// Users lists users. Code: invalid_page.
func (s *Service) Users(ctx context.Context, q UserQuery) (page.Page[User], error) {
	var err error
	if q.Page, err = q.Page.Normal(); err != nil {
		return page.Page[User]{}, err
	}
	return s.Store.UserList(ctx, q)
}

// Profile is what users change about themselves; nil fields stay as they are.
type Profile struct {
	DisplayName *string
	AvatarURL   *string
}

// ChangeProfile changes the actor's own profile. Code: invalid_parameter.
func (s *Service) ChangeProfile(ctx context.Context, by event.Actor, p Profile) (User, error) {
	return s.changeUser(ctx, by, "user.profile_changed", func(u *User) error {
		if p.DisplayName != nil {
			u.DisplayName = *p.DisplayName
		}
		if p.AvatarURL != nil {
			u.AvatarURL = *p.AvatarURL
		}
		return firstError(CheckText("displayName", u.DisplayName, maxName), CheckText("avatarUrl", u.AvatarURL, maxURL))
	})
}

// ChangePreferences replaces the actor's own preferences, a JSON object of at most 16 KiB. Code: invalid_parameter.
func (s *Service) ChangePreferences(ctx context.Context, by event.Actor, preferences json.RawMessage) (User, error) {
	return s.changeUser(ctx, by, "user.preferences_changed", func(u *User) error {
		if len(preferences) > 16<<10 || !json.Valid(preferences) {
			return fault.ErrInvalid
		}
		u.Preferences = preferences
		return nil
	})
}

// changeUser changes the actor's own row.
func (s *Service) changeUser(ctx context.Context, by event.Actor, action string, change func(*User) error) (User, error) {
	return s.editUser(ctx, by, EveryTenant(), by.UserID, action, func(_ tx.Tx, u *User) error { return change(u) })
}
