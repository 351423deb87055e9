package access

import "github.com/gantry-ai/gantry/internal/kernel/id"

// Decision is whether a caller may use a resource. Rule is the one that decided: zero where none is about the caller and
// nothing is closed.
type Decision struct {
	Allowed bool
	Rule    id.ID
}

// Decide decides. It allocates nothing.
func (g *Gate) Decide(c *Caller) Decision {
	if g == nil {
		return Decision{Allowed: true}
	}
	var v verdict
	for _, r := range g {
		if r != nil {
			v.hear(r, c)
		}
	}
	return v.decision()
}

// verdict is what the rules of each layer say.
type verdict struct {
	// best is the first of the rules that match.
	best [layers]*entry
	// shut closes a resource that no rule opens for the caller.
	shut [layers]*entry
}

// hear takes in what rules say about a resource.
func (v *verdict) hear(r *resource, c *Caller) {
	var open [layers]bool
	for kind, who := range c.subjects() {
		for _, e := range r.by[kind][who] {
			if !e.matches(c) {
				continue
			}
			open[e.layer] = open[e.layer] || !e.deny
			if e.before(v.best[e.layer]) {
				v.best[e.layer] = e
			}
		}
	}
	for l := range layers {
		if v.shut[l] == nil && !open[l] {
			v.shut[l] = r.closerFor(l, c)
		}
	}
}

// closerFor is the rule that closes the resource for those whom no rule of the layer lets in; nil where it is open.
func (r *resource) closerFor(l layer, c *Caller) *entry {
	switch {
	case l == operators:
		return r.closers[l][id.ID{}]
	case l == tenants:
		return r.closers[l][c.Tenant]
	case c.Key.IsZero():
		return nil
	}
	return r.closers[l][c.User]
}

// decision goes from the farthest layer to the nearest: each may take away and none gives back.
func (v *verdict) decision() Decision {
	var top *entry
	for l := range layers {
		if v.shut[l] != nil {
			return Decision{Rule: v.shut[l].rule}
		}
		if v.best[l] != nil && v.best[l].before(top) {
			top = v.best[l]
		}
		if top != nil && top.deny {
			return Decision{Rule: top.rule}
		}
	}
	if top == nil {
		return Decision{Allowed: true}
	}
	return Decision{Allowed: true, Rule: top.rule}
}
