package surfacetest

import (
	"context"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// subject finds whom a rule is about, in memory.
func subject(s identity.Store, kind access.SubjectType, v id.ID) (access.Subject, bool) {
	ctx, out := context.Background(), access.Subject{Type: kind, ID: v}
	var err error
	switch kind {
	case access.SubjectTenant:
		var t identity.Tenant
		t, err = s.TenantByID(ctx, v)
		out.TenantID = t.ID
	case access.SubjectGroup:
		var g identity.Group
		g, err = s.GroupByID(ctx, v)
		out.TenantID = g.TenantID
	case access.SubjectUser:
		var u identity.User
		u, err = s.UserByID(ctx, v)
		out.TenantID = u.TenantID
	case access.SubjectAPIKey:
		return keySubject(s, out)
	}
	return out, err == nil
}

// keySubject looks through the keys of all users: a key is found by its owner.
func keySubject(s identity.Store, out access.Subject) (access.Subject, bool) {
	users, err := s.UserList(context.Background(), identity.UserQuery{Realm: identity.EveryTenant(), All: true})
	if err != nil {
		return out, false
	}
	for i := range users.Items {
		u := &users.Items[i]
		if _, err := s.APIKeyByID(context.Background(), u.ID, out.ID); err == nil {
			out.TenantID, out.OwnerID = u.TenantID, u.ID
			return out, true
		}
	}
	return out, false
}

// resource reports whether there is what a rule is about, in memory.
func resource(routes routing.Store, models catalog.Store, kind access.ResourceType, v id.ID) bool {
	ctx := context.Background()
	switch kind {
	case access.ResourcePlatform:
		_, err := routes.PlatformByID(ctx, v)
		return err == nil
	case access.ResourcePlatformModel:
		all, err := routes.ModelList(ctx, id.ID{})
		return err == nil && slices.ContainsFunc(all, func(m routing.PlatformModel) bool { return m.ID == v })
	case access.ResourceBaseModel:
		_, err := models.BaseModelByID(ctx, v)
		return err == nil
	}
	return false
}
