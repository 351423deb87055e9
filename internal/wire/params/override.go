package params

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	ruleOverride   = "paramOverride"
	overrideReason = "The platform's settings say so."
	maxOverrides   = 256
)

// Override sets and removes members of requests, whatever callers gave. It is immutable and safe for concurrent use; nil
// changes nothing.
type Override struct{ root *node }

// node is a place in a request: a member to set or to remove, or an object with such places.
type node struct {
	name  string
	value []byte // set to this
	unset bool
	inner []*node // in the order of their names
}

// CompileOverride reads an object of values by dotted paths ("thinking.budget"); null removes the member. Nothing, null
// and {} compile to nil. Error: a *SchemaError.
func CompileOverride(settings []byte) (*Override, error) {
	var members map[string]json.RawMessage
	if len(bytes.TrimSpace(settings)) > 0 && json.Unmarshal(settings, &members) != nil {
		return nil, bad("", "This is to be an object.")
	}
	if len(members) == 0 {
		return nil, nil //nolint:nilnil // nothing to change
	}
	if len(members) > maxOverrides {
		return nil, bad("", "There are too many parameters.")
	}
	paths := make([]string, 0, len(members))
	for path := range members {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	root := &node{}
	for _, path := range paths {
		if err := root.put(path, members[path]); err != nil {
			return nil, err
		}
	}
	return &Override{root}, nil
}

func (n *node) put(path string, value []byte) error {
	steps := strings.Split(path, ".")
	if slices.Contains(protected, steps[0]) {
		return bad(path, "This parameter cannot be overridden: what is routed and priced is what is sent.")
	}
	if len(steps) > maxNesting || slices.Contains(steps, "") {
		return bad(path, "This is to be a name, or names with dots between them.")
	}
	for _, step := range steps {
		if n.value != nil || n.unset {
			return bad(path, "A part of this path is set already.")
		}
		n = n.child(step)
	}
	if n.inner != nil {
		return bad(path, "A part of this parameter is set already.")
	}
	if n.unset = string(value) == "null"; !n.unset {
		n.value = compact(value)
	}
	return nil
}

func (n *node) child(name string) *node {
	for _, c := range n.inner {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.inner = append(n.inner, c)
	return c
}

// Apply returns the body with the settings made, and what was changed: nothing where the body is so already, and then it
// is the body itself. Error: ErrBody.
func (o *Override) Apply(body []byte) ([]byte, []Change, error) {
	if o == nil {
		return body, nil, nil
	}
	w := writer{out: make([]byte, 0, len(body)+len(body)/8+64)}
	if err := w.override(o.root, body, ""); err != nil {
		return body, nil, err
	}
	if len(w.changes) == 0 {
		return body, nil, nil
	}
	return w.out, w.changes, nil
}

// override appends text, an object, with the settings of n made.
func (w *writer) override(n *node, text []byte, path string) error {
	at := bytes.IndexByte(text, '{') + 1
	w.out = append(w.out, text[:at]...)
	empty, done := true, make([]bool, len(n.inner))
	it := jsonscan.Members(text)
	for it.Next() {
		m := memberAt(&it, text, at, path)
		at = m.end
		i := slices.IndexFunc(n.inner, func(c *node) bool { return c.name == plain(it.Key) })
		if i >= 0 {
			done[i] = true
			if n.inner[i].unset {
				w.tell(m.path, show(m.path, m.val()), "", ruleOverride, overrideReason)
				continue
			}
		}
		w.out = append(append(w.out, m.lead(empty)...), m.text[m.key:m.value]...)
		empty = false
		if i < 0 {
			w.out = append(w.out, m.val()...)
		} else if err := w.set(n.inner[i], &m); err != nil {
			return err
		}
	}
	if it.Err != nil {
		return ErrBody
	}
	for i, c := range n.inner {
		if !done[i] && c.sets() {
			empty = w.add(c, join(path, c.name), empty)
		}
	}
	w.out = append(w.out, text[at:]...)
	return nil
}

// set writes the value of a member that is there.
func (w *writer) set(n *node, m *member) error {
	if n.inner != nil && m.val()[0] == '{' {
		return w.override(n, m.val(), m.path)
	}
	value := n.build(nil)
	if value == nil { // nothing to set within what is no object
		value = m.val()
	}
	if !bytes.Equal(value, m.val()) {
		w.tell(m.path, show(m.path, m.val()), show(m.path, value), ruleOverride, overrideReason)
	}
	w.out = append(w.out, value...)
	return nil
}

func (w *writer) add(n *node, path string, empty bool) bool {
	if !empty {
		w.out = append(w.out, ',')
	}
	value := n.build(nil)
	w.out = append(append(appendName(w.out, n.name), ':'), value...)
	w.tell(path, "", show(path, value), ruleOverride, overrideReason)
	return false
}

// sets reports whether anything at or below the node is set, and not only removed.
func (n *node) sets() bool {
	return n.value != nil || slices.ContainsFunc(n.inner, (*node).sets)
}

// build appends the node's value where there was none; nil when nothing is set.
func (n *node) build(dst []byte) []byte {
	if n.inner == nil || !n.sets() {
		return append(dst, n.value...)
	}
	dst = append(dst, '{')
	for _, c := range n.inner {
		if !c.sets() {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = c.build(append(appendName(dst, c.name), ':'))
	}
	return append(dst, '}')
}

// appendName writes a name as JSON.
func appendName(dst []byte, name string) []byte {
	quoted, err := json.Marshal(name)
	if err != nil { // a text can always be written
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}
