package access_test

import (
	"cmp"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// reference decides by the words of DESIGN section 5 and decision 0019, slowly and over plain lists. It shares nothing
// with the compiled form but the types, and the reading of conditions.
type reference struct {
	rules     []access.Rule
	operator  id.ID
	resources [3]id.ID // platform model, platform, base model
}

// sides are those who make rules, the farthest first.
var sides = []func(r *reference, rule *access.Rule) bool{
	func(f *reference, r *access.Rule) bool { return !r.Own && r.TenantID == f.operator && !isKey(r) },
	func(f *reference, r *access.Rule) bool { return !r.Own && r.TenantID != f.operator && !isKey(r) },
	func(f *reference, r *access.Rule) bool { return !r.Own && r.TenantID == f.operator && isKey(r) },
	func(f *reference, r *access.Rule) bool { return !r.Own && r.TenantID != f.operator && isKey(r) },
	func(_ *reference, r *access.Rule) bool { return r.Own },
}

func isKey(r *access.Rule) bool { return r.SubjectType == access.SubjectAPIKey }

func (f *reference) names(r *access.Rule) bool {
	at := slices.Index([]access.ResourceType{access.ResourcePlatformModel, access.ResourcePlatform, access.ResourceBaseModel}, r.ResourceType)
	return r.Status == access.Active && f.resources[at] == r.ResourceID
}

// concerns reports whether a rule that closes a resource closes it for the caller, unless the caller is let in.
func (f *reference) concerns(r *access.Rule, c *access.Caller) bool {
	switch {
	case isKey(r):
		return !c.Key.IsZero() && r.OwnerID == c.User
	case r.TenantID != f.operator:
		return r.TenantID == c.Tenant
	}
	return true
}

func (f *reference) matches(r *access.Rule, c *access.Caller) bool {
	subject := map[access.SubjectType]id.ID{
		access.SubjectAPIKey: c.Key, access.SubjectUser: c.User, access.SubjectGroup: c.Group, access.SubjectTenant: c.Tenant,
	}[r.SubjectType]
	if !f.names(r) || subject.IsZero() || subject != r.SubjectID || c.Level < r.MinPermissionLevel {
		return false
	}
	if !r.Own && r.TenantID != f.operator && r.TenantID != c.Tenant {
		return false
	}
	conditions, err := access.ParseConditions("", r.Conditions)
	if err != nil {
		panic(err)
	}
	return conditions.Hold(c)
}

// order sorts rules such that the first decides.
func order(a, b access.Rule) int {
	subjects := []access.SubjectType{access.SubjectAPIKey, access.SubjectUser, access.SubjectGroup, access.SubjectTenant}
	resources := []access.ResourceType{access.ResourcePlatformModel, access.ResourcePlatform, access.ResourceBaseModel}
	effects := []access.Effect{access.Deny, access.Allow}
	return cmp.Or(
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(slices.Index(subjects, a.SubjectType), slices.Index(subjects, b.SubjectType)),
		cmp.Compare(slices.Index(resources, a.ResourceType), slices.Index(resources, b.ResourceType)),
		cmp.Compare(slices.Index(effects, a.Effect), slices.Index(effects, b.Effect)),
		cmp.Compare(a.Number, b.Number),
	)
}

// decide adds one side after the other: what is closed or denied then stays so.
func (f *reference) decide(c *access.Caller) access.Decision {
	var matching []access.Rule
	for _, of := range sides {
		var side []access.Rule
		for i := range f.rules {
			if r := f.rules[i]; f.names(&r) && of(f, &r) {
				side = append(side, r)
			}
		}
		slices.SortFunc(side, order)
		if closer := f.closed(side, c); closer != nil {
			return access.Decision{Rule: closer.ID}
		}
		for i := range side {
			if f.matches(&side[i], c) {
				matching = append(matching, side[i])
			}
		}
		slices.SortFunc(matching, order)
		if len(matching) > 0 && matching[0].Effect == access.Deny {
			return access.Decision{Rule: matching[0].ID}
		}
	}
	if len(matching) == 0 {
		return access.Decision{Allowed: true}
	}
	return access.Decision{Allowed: true, Rule: matching[0].ID}
}

// closed returns the first allow rule of a side that names a resource which the side lets the caller not in to, the most
// specific resource first.
func (f *reference) closed(side []access.Rule, c *access.Caller) *access.Rule {
	for _, resource := range f.resources {
		var closer *access.Rule
		open := false
		for i := range side {
			r := &side[i]
			if r.ResourceID != resource || r.Effect != access.Allow {
				continue
			}
			if closer == nil && f.concerns(r, c) {
				closer = r
			}
			open = open || f.matches(r, c)
		}
		if closer != nil && !open {
			return closer
		}
	}
	return nil
}
