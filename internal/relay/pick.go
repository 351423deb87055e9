package relay

import (
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
)

// scored is a choice that can be tried.
type scored struct {
	of *choice
	standing
}

// pickTries is how often a pick is repeated because another request took a probe meanwhile.
const pickTries = 8

// next makes the best candidate current, or none. last also considers the least bad: what is cooling and was not asked by
// the upstream to be left alone.
func (p *plan) next(w world, now time.Time, last bool) *Target {
	if p.nextOf(w, now, nil) != nil || !last {
		return p.current
	}
	return p.lastResort(now)
}

// nextOf is next without the least bad and without the choice but, which is tried already.
func (p *plan) nextOf(w world, now time.Time, but *choice) *Target {
	for range pickTries {
		c := p.best(w, now, but)
		if c == nil {
			break
		}
		if t := p.nextKey(w, c, now); t != nil {
			return t
		}
	}
	p.current, p.of = nil, nil
	return nil
}

// best is the choice to be tried next, of those that can be: the first priority, among those the least load, among those
// by weight.
func (p *plan) best(w world, now time.Time, but *choice) *choice {
	var buffer [8]scored
	list := buffer[:0]
	for _, c := range p.lane.choices {
		if c == but || !p.usable(w, c, now) {
			continue
		}
		s := scored{c, standing{c.effective(now), c.load(), c.weight}}
		switch {
		case len(list) > 0 && list[0].worse(&s):
			list = append(list[:0], s)
		case len(list) == 0 || !s.worse(&list[0]):
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil
	}
	s := list[0]
	if len(list) > 1 {
		s = list[p.draw(list)]
	}
	p.chosen = s.standing
	return s.of
}

// worse reports whether s comes after o.
func (s *scored) worse(o *scored) bool {
	return s.priority > o.priority || s.priority == o.priority && s.load > o.load
}

// usable reports whether a key of the choice can be tried, and notes why not.
func (p *plan) usable(w world, c *choice, now time.Time) bool {
	if slices.Contains(p.full, c) {
		return false
	}
	p.restore(w, c, now)
	if gate := p.gateOf(c); gate != "" {
		p.note(gated{of: c, gate: gate})
		return false
	}
	if g, _ := c.gate(now); g > routing.Ready {
		p.note(closedBy(gated{of: c}, now, c.keys[0].platformUnit, c.keys[0].modelUnit))
		return false
	}
	for _, t := range c.keys {
		if p.open(c, t, now) {
			return true
		}
	}
	return false
}

// open reports whether a key can be tried, as far as the key is concerned.
func (p *plan) open(c *choice, t *Target, now time.Time) bool {
	if slices.Contains(p.tried, t) {
		return false
	}
	if g, _ := t.keyUnit.Gate(now); g <= routing.Ready {
		return true
	}
	p.note(closedBy(gated{of: c, target: t}, now, t.keyUnit))
	return false
}

// closedBy says which of the units is closed, and why.
func closedBy(g gated, now time.Time, units ...*routing.Unit) gated {
	for _, u := range units {
		gate, until := u.Gate(now)
		if gate <= routing.Ready {
			continue
		}
		s := u.Status(now)
		g.gate, g.until, g.reason = gateCooldown, until, u.Kind.String()+": "+s.Reason
		if s.Disabled {
			g.gate = gateDisabled
		}
	}
	return g
}

// maxGates bounds how much a request tells about candidates that were left out.
const maxGates = 32

// note keeps why a candidate was left out before the first attempt: that is why the request went where it went.
func (p *plan) note(g gated) {
	same := func(o gated) bool { return o.of == g.of && o.target == g.target }
	if p.attempts == 0 && len(p.gates) < maxGates && !slices.ContainsFunc(p.gates, same) {
		p.gates = append(p.gates, g)
	}
}

// restore tells that demotions are over whose time is.
func (p *plan) restore(w world, c *choice, now time.Time) {
	t := c.keys[0]
	for _, u := range [...]*routing.Unit{t.platformUnit, t.modelUnit} {
		if change, ok := u.Restore(now); ok {
			w.announce(change, nil)
		}
	}
}

// point is a random point for the next draw. The first ones of requests are spread evenly; those of one request's later
// draws have nothing to do with them.
func (p *plan) point(dimension int) uint64 {
	if p.attempts == 0 && len(p.full) == 0 {
		return spread(p.seed, dimension)
	}
	return mix(p.seed, uint64(p.attempts*8+len(p.full)*2+dimension)) //nolint:gosec // a few
}

// draw picks one of equals by weight, or the conversation's own.
func (p *plan) draw(list []scored) int {
	if p.sticky != 0 && list[0].of.strategy == routing.KeysByConversation {
		return strongest(len(list), func(i int) float64 {
			return rendezvous(p.sticky, list[i].of.keys[0].Model.ID, list[i].weight)
		})
	}
	var total int64
	for i := range list {
		total += list[i].weight
	}
	at := portion(p.point(1), total)
	for i := range list {
		if at -= list[i].weight; at < 0 {
			return i
		}
	}
	return 0
}

func strongest(n int, strength func(int) float64) int {
	best, most := 0, strength(0)
	for i := 1; i < n; i++ {
		if s := strength(i); s > most {
			best, most = i, s
		}
	}
	return best
}

// nextKey makes one of the choice's keys current, by the platform's strategy.
func (p *plan) nextKey(w world, c *choice, now time.Time) *Target {
	p.current, p.of = nil, nil
	for range pickTries {
		t := p.key(c, now)
		if t == nil {
			return nil
		}
		p.current, p.of = t, c
		if p.probe(w, now) {
			return t
		}
		p.current, p.of = nil, nil
		if g, _ := c.gate(now); g > routing.Ready {
			return nil
		}
	}
	return nil
}

// key is the key to be tried next; nil when there is none.
func (p *plan) key(c *choice, now time.Time) *Target {
	if g, _ := c.gate(now); g > routing.Ready || slices.Contains(p.full, c) {
		return nil
	}
	if len(c.keys) == 1 {
		if p.open(c, c.keys[0], now) {
			return c.keys[0]
		}
		return nil
	}
	switch {
	case c.strategy == routing.KeysInTurn:
		return p.inTurn(c, now)
	case c.strategy == routing.KeysByConversation && p.sticky != 0:
		return p.ofConversation(c, now)
	}
	return p.byWeight(c, now)
}

func (p *plan) inTurn(c *choice, now time.Time) *Target {
	at := int((c.turn.Add(1) - 1) % uint64(len(c.keys))) //nolint:gosec // below the number of keys
	for i := range c.keys {
		if t := c.keys[(at+i)%len(c.keys)]; p.open(c, t, now) {
			return t
		}
	}
	return nil
}

func (p *plan) ofConversation(c *choice, now time.Time) *Target {
	var best *Target
	var most float64
	for _, t := range c.keys {
		if s := rendezvous(p.sticky, t.CredentialID, t.Weight); p.open(c, t, now) && (best == nil || s > most) {
			best, most = t, s
		}
	}
	return best
}

func (p *plan) byWeight(c *choice, now time.Time) *Target {
	var total int64
	open := 0
	for _, t := range c.keys {
		if p.open(c, t, now) {
			total += c.share(t)
			open++
		}
	}
	if open == 0 {
		return nil
	}
	reserve := total == 0 // only reserves are left: each has the same share
	if reserve {
		total = int64(open)
	}
	at := portion(p.point(2), total)
	for _, t := range c.keys {
		if !p.open(c, t, now) {
			continue
		}
		share := c.share(t)
		if reserve {
			share = 1
		}
		if at -= share; at < 0 {
			return t
		}
	}
	return nil
}

func (c *choice) share(t *Target) int64 {
	if c.strategy == routing.KeysAtRandom {
		return 1
	}
	return t.Weight
}

// probe takes the probes of what is half open of the current target. It reports false, with none taken, when another
// request has one of them.
func (p *plan) probe(w world, now time.Time) bool {
	for i, u := range p.current.units() {
		held, ok := u.Probe(now)
		if !ok {
			p.unprobe()
			return false
		}
		p.probes[i] = held
	}
	for i, u := range p.current.units() {
		if p.probes[i] {
			s := u.Status(now)
			w.announce(routing.Change{Kind: routing.EventProbe, Unit: u, Before: s, After: s}, nil)
		}
	}
	return true
}

// unprobe gives back the probes that the request holds.
func (p *plan) unprobe() {
	if p.probes == [3]bool{} {
		return
	}
	for i, u := range p.current.units() {
		if p.probes[i] {
			u.Unprobe()
		}
	}
	p.probes = [3]bool{}
}

// lastResort makes the candidate current that comes back first, of those that were not tried. What an upstream asked for,
// and what is disabled, is respected.
func (p *plan) lastResort(now time.Time) *Target {
	var soonest time.Time
	for _, c := range p.lane.choices {
		if slices.Contains(p.full, c) || p.gateOf(c) != "" {
			continue
		}
		for _, t := range c.keys {
			g, until := t.gate(c, now)
			if g != routing.Cooling || slices.Contains(p.tried, t) || p.current != nil && !until.Before(soonest) {
				continue
			}
			p.current, p.of, soonest = t, c, until
			p.chosen = standing{c.effective(now), c.load(), c.weight}
		}
	}
	return p.current
}

// occupy counts the request at its target.
func (p *plan) occupy() {
	p.entered = true
	p.current.modelUnit.Enter()
	if p.of.platformRoom > 0 {
		p.current.platformUnit.Enter()
	}
}

func (p *plan) vacate() {
	if !p.entered {
		return
	}
	p.entered = false
	p.current.modelUnit.Leave()
	if p.of.platformRoom > 0 {
		p.current.platformUnit.Leave()
	}
}
