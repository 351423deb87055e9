package access

import (
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// layer is how far a rule reaches. A layer only narrows what those before it allow.
type layer uint8

// The layers, the farthest first. Those about keys come last: a key may not what its user may not.
const (
	operators     layer = iota // the operator's, about users, groups and tenants
	tenants                    // a tenant's, about its users and groups
	operatorsKeys              // the operator's, about keys
	tenantsKeys                // a tenant's, about keys of its users
	owners                     // those of keys' owners
	layers
)

func layerOf(r *Rule, operator id.ID) layer {
	key := r.SubjectType == SubjectAPIKey
	switch {
	case r.Own:
		return owners
	case r.TenantID == operator && key:
		return operatorsKeys
	case r.TenantID == operator:
		return operators
	case key:
		return tenantsKeys
	}
	return tenants
}

// ofKeys reports whether the layer is about keys alone.
func (l layer) ofKeys() bool { return l == operatorsKeys || l == tenantsKeys || l == owners }

// entry is a rule as it is decided by.
type entry struct {
	rule       id.ID
	number     int64
	priority   int64
	level      int64
	subject    int // rank among subjectTypes
	resource   int // rank among resourceTypes
	deny       bool
	layer      layer
	tenant     id.ID
	conditions *Conditions
}

// matches reports whether the rule, whose subject the caller is, is about this request.
func (e *entry) matches(c *Caller) bool {
	return c.Level >= e.level && (e.layer != tenants && e.layer != tenantsKeys || e.tenant == c.Tenant) && e.conditions.hold(c)
}

// before reports whether e decides rather than o: the higher priority, the more specific subject, the more specific
// resource, a deny; at last the older rule, so that the answer is always the same.
func (e *entry) before(o *entry) bool {
	switch {
	case o == nil:
		return true
	case e.priority != o.priority:
		return e.priority > o.priority
	case e.subject != o.subject:
		return e.subject < o.subject
	case e.resource != o.resource:
		return e.resource < o.resource
	case e.deny != o.deny:
		return e.deny
	}
	return e.number < o.number
}

// resource is all that rules say about one resource.
type resource struct {
	// by are the rules by subject, the types in the order of subjectTypes.
	by [4]map[id.ID][]*entry
	// closers are the first of the allow rules that name the resource, by layer and by whom they close it for: everybody
	// (zero), the users of a tenant, or the keys of a user.
	closers [layers]map[id.ID]*entry
}

// Book is the rules of an installation, compiled. It is immutable.
type Book struct {
	resources map[resourceKey]*resource
}

type resourceKey struct {
	kind ResourceType
	id   id.ID
}

// Compile makes a book of the rules that are in force. operator is the tenant whose rules bind everybody. A rule whose
// conditions cannot be read lets nobody in: an allow matches nobody, a deny everybody. unreadable hears of it.
func Compile(rules []Rule, operator id.ID, unreadable func(*Rule, error)) *Book {
	b := &Book{resources: map[resourceKey]*resource{}}
	for i := range rules {
		r := &rules[i]
		if r.Status != Active {
			continue
		}
		c, err := ParseConditions("conditions", r.Conditions)
		if err != nil {
			unreadable(r, err)
			if c = nil; r.Effect != Deny {
				c = never
			}
		}
		b.add(r, &entry{
			rule: r.ID, number: r.Number, priority: r.Priority, level: r.MinPermissionLevel, deny: r.Effect == Deny,
			subject: rank(subjectTypes, r.SubjectType), resource: rank(resourceTypes, r.ResourceType),
			layer: layerOf(r, operator), tenant: r.TenantID, conditions: c,
		})
	}
	return b
}

func (b *Book) add(r *Rule, e *entry) {
	if e.subject < 0 || e.resource < 0 {
		return
	}
	key := resourceKey{r.ResourceType, r.ResourceID}
	res := b.resources[key]
	if res == nil {
		res = &resource{}
		b.resources[key] = res
	}
	put(&res.by[e.subject], r.SubjectID, append(res.by[e.subject][r.SubjectID], e))
	if e.deny {
		return
	}
	var whom id.ID
	switch {
	case e.layer.ofKeys():
		whom = r.OwnerID
	case e.layer == tenants:
		whom = r.TenantID
	}
	if e.before(res.closers[e.layer][whom]) {
		put(&res.closers[e.layer], whom, e)
	}
}

func put[V any](m *map[id.ID]V, key id.ID, v V) {
	if *m == nil {
		*m = map[id.ID]V{}
	}
	(*m)[key] = v
}

// Gate is what rules say about one platform model: about itself, its platform and its base model. Nil lets everybody in.
type Gate [3]*resource

// Gate returns the gate of a platform model. It is nil where no rule names any of the three, so that what nobody has rules
// for costs nothing. A zero base model is none.
func (b *Book) Gate(platformModel, platform, baseModel id.ID) *Gate {
	g := Gate{
		b.resources[resourceKey{ResourcePlatformModel, platformModel}],
		b.resources[resourceKey{ResourcePlatform, platform}],
		b.resources[resourceKey{ResourceBaseModel, baseModel}],
	}
	if g == (Gate{}) {
		return nil
	}
	return &g
}
