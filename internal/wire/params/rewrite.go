package params

import (
	"bytes"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// writer writes an object anew: members that stay are copied with the space around them, as they are written.
type writer struct {
	out     []byte
	changes []Change
}

// object appends text, an object, with the rules of o applied; path is where it stands, "" at the top.
func (w *writer) object(o *object, text []byte, path string) error {
	at := bytes.IndexByte(text, '{') + 1
	w.out = append(w.out, text[:at]...)
	var seen uint64
	empty := true
	it := jsonscan.Members(text)
	for it.Next() {
		m := memberAt(&it, text, at, path)
		at = m.end
		r := o.find(&it)
		if r != nil {
			seen |= r.bit
		}
		kept, err := w.member(o, r, &m, empty)
		if err != nil {
			return err
		}
		empty = empty && !kept
	}
	if it.Err != nil {
		return ErrBody
	}
	w.defaults(o, seen, path, empty)
	w.out = append(w.out, text[at:]...)
	return nil
}

// member is a member of an object that is being written. In text, [from:end] is the member with the comma and the space
// before it, [key:keyEnd] its key with the quotes, and [value:end] its value.
type member struct {
	path                          string
	text                          []byte
	from, key, keyEnd, value, end int
}

func memberAt(it *jsonscan.Iterator, text []byte, from int, path string) member {
	m := member{path: join(path, plain(it.Key)), text: text, from: from, key: offset(text, it.Key) - 1, value: offset(text, it.Value)}
	m.keyEnd, m.end = m.key+len(it.Key)+2, m.value+len(it.Value)
	return m
}

func (m *member) val() []byte { return m.text[m.value:m.end] }

// lead is what stands before the key; without its comma where the member has become the first.
func (m *member) lead(first bool) []byte {
	lead := m.text[m.from:m.key]
	if comma := bytes.IndexByte(lead, ','); first && comma >= 0 {
		return lead[comma+1:]
	}
	return lead
}

// member writes one member, or leaves it out.
func (w *writer) member(o *object, r *rule, m *member, first bool) (kept bool, err error) {
	switch {
	case r == nil && o.closed:
		return w.react(m, ruleUnknown, "The model does not know this parameter.", o.unknown)
	case r == nil:
		w.out = append(append(w.out, m.lead(first)...), m.text[m.key:m.end]...)
		return true, nil
	case r.drops:
		return w.react(m, ruleDrop, "The model does not know this parameter.", drop)
	case r.rename != "" && has(m.text, r.rename):
		return w.react(m, ruleRename, "The request has the parameter that this one would become.", drop)
	}
	value := m.val()
	for i := range stages {
		v := r.stage(i, value)
		if v.fires() && v.how != leave {
			return w.react(m, v.rule, v.reason, v.how)
		}
		if v.fires() {
			w.tell(m.path, show(m.path, value), show(m.path, v.value), v.rule, v.reason)
			value = v.value
		}
	}
	w.key(r, m, first)
	return true, w.value(r, m, value)
}

// react leaves a member out or refuses the request.
func (w *writer) react(m *member, rule, reason string, how reaction) (kept bool, err error) {
	if how == refuse {
		return false, &RefusalError{Path: m.path, Rule: rule, Message: reason}
	}
	w.tell(m.path, show(m.path, m.val()), "", rule, reason)
	return false, nil
}

// key writes what stands before a member's value, with its new name if it has one.
func (w *writer) key(r *rule, m *member, first bool) {
	w.out = append(w.out, m.lead(first)...)
	if r.rename == "" {
		w.out = append(w.out, m.text[m.key:m.value]...)
		return
	}
	w.tell(m.path, r.name, r.rename, ruleRename, "The model calls this parameter by another name.")
	w.out = strconv.AppendQuote(w.out, r.rename)
	w.out = append(w.out, m.text[m.keyEnd:m.value]...)
}

func (w *writer) value(r *rule, m *member, value []byte) error {
	if r.nested != nil && value[0] == '{' {
		return w.object(r.nested, value, m.path)
	}
	w.out = append(w.out, value...)
	return nil
}

// defaults puts in what is missing, at the end.
func (w *writer) defaults(o *object, seen uint64, path string, empty bool) {
	for _, r := range o.defaults {
		if seen&r.bit != 0 {
			continue
		}
		if !empty {
			w.out = append(w.out, ',')
		}
		empty = false
		w.out = append(appendName(w.out, r.name), ':')
		w.out = append(w.out, r.value...)
		at := join(path, r.name)
		w.tell(at, "", show(at, r.value), ruleDefault, "The request did not give this parameter.")
	}
}

func (w *writer) tell(path, before, after, rule, reason string) {
	w.changes = append(w.changes, Change{Path: path, Before: before, After: after, Rule: rule, Reason: reason})
}

// has reports whether an object has a member of the name.
func has(text []byte, name string) bool {
	for it := jsonscan.Members(text); it.Next(); {
		if string(it.Key) == name || escaped(it.Key) && plain(it.Key) == name {
			return true
		}
	}
	return false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
