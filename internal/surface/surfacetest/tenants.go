package surfacetest

import (
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// AddTenantAdmin makes a tenant with an administrator, a user "<tenant>-user" and that user's key "<tenant>-key" (scope *).
func (w *World) AddTenantAdmin(name, tenant string) {
	w.t.Helper()
	now := w.Clock.Now()
	t := identity.Tenant{ID: id.At(now), Key: tenant, Name: tenant, Status: identity.Active, CreatedAt: now, UpdatedAt: now}
	err := w.Service.Store.InTx(w.t.Context(), func(x tx.Tx) error { return w.Service.Store.TenantInsert(w.t.Context(), x, &t) })
	if err != nil {
		w.t.Fatal(err)
	}
	w.addUserOf(&t, name, identity.RoleAdmin)
	w.addUserOf(&t, tenant+"-user", identity.RoleUser)
	w.addKey(tenant+"-key", tenant+"-user", "*")
}

// addUserOf makes a user of a tenant and signs it in.
func (w *World) addUserOf(t *identity.Tenant, name string, role identity.Role) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.Clock.Now()
	hash, err := w.Passwords.Hash(ctx, Password)
	if err != nil {
		w.t.Fatal(err)
	}
	user := identity.User{
		ID: id.At(now), TenantID: t.ID, Username: name, Email: name + "@example.com", DisplayName: name, PasswordHash: hash,
		Roles: []identity.Role{role}, Status: identity.Active, Source: "local", SessionVersion: 1, Preferences: []byte(`{}`), Metadata: []byte(`{}`), CreatedAt: now, UpdatedAt: now,
	}
	app := identity.App{
		ID: id.At(now), TenantID: t.ID, UserID: user.ID, Name: "Default", Default: true, Status: identity.Active, CreatedAt: now, UpdatedAt: now,
	}
	err = w.Service.Store.InTx(ctx, func(x tx.Tx) error {
		if err := w.Service.Store.UserInsert(ctx, x, &user); err != nil {
			return err
		}
		return w.Service.Store.AppInsert(ctx, x, &app)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	in, err := w.Login(ctx, identity.Client{IP: "192.0.2.1"}, name, Password, identity.SessionGateway)
	if err != nil {
		w.t.Fatal(err)
	}
	w.users[name], w.headers[name] = user, "Bearer "+in.Token
}

// Key returns one of the keys by the name of who sends it.
func (w *World) Key(name string) id.ID {
	w.t.Helper()
	p, err := w.Directory.Authenticate(w.t.Context(), w.headers[name])
	if err != nil {
		w.t.Fatal(err)
	}
	return p.KeyID
}
