package wire

import (
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// LossPolicy is what becomes of what a format cannot say.
type LossPolicy uint8

// The policies. By default parameters are dropped, with an entry in the request's log, and content is refused.
const (
	DropParameters LossPolicy = iota
	RefuseLosses
	DropLosses
)

// Losses hears what an encoder cannot say. The zero value drops parameters and refuses content.
type Losses struct {
	Policy LossPolicy
	// Dropped lists what was left out or changed.
	Dropped []Loss
}

// Loss is something of a request that did not go out as it came.
type Loss struct {
	Path string
	// Before and After are shortened texts of the values; After is "" for what was dropped.
	Before, After string
	Reason        string
}

// ErrUntranslatable refuses what the upstream's protocol has no words for.
var ErrUntranslatable = fault.New(400, "unsupported_parameter", "The model does not support this parameter.")

// Parameter drops a member that only tunes the answer. Error: ErrUntranslatable at path, where the policy refuses all losses.
func (l *Losses) Parameter(path, value, reason string) error {
	if l.Policy == RefuseLosses {
		return l.Refuse(path, reason)
	}
	l.add(path, value, "", reason)
	return nil
}

// Given is a parameter of a prompt. One whose Value is "" was not given.
type Given struct{ Path, Value string }

// GivenNumber is a parameter that is a number.
func GivenNumber(path string, v *int64) Given {
	if v == nil {
		return Given{Path: path}
	}
	return Given{path, strconv.FormatInt(*v, 10)}
}

// GivenTrue is a parameter that says nothing unless it is true.
func GivenTrue(path string, v *bool) Given {
	if v == nil || !*v {
		return Given{Path: path}
	}
	return Given{path, "true"}
}

// Parameters drops those that were given. Error: as Parameter.
func (l *Losses) Parameters(reason string, all ...Given) error {
	for _, g := range all {
		if g.Value == "" {
			continue
		}
		if err := l.Parameter(g.Path, g.Value, reason); err != nil {
			return err
		}
	}
	return nil
}

// Rest writes back the members of a request that only its own format knows, as own tells, and drops the others. Error: as
// Parameter.
func (l *Losses) Rest(w *jsondoc.Writer, rest []inference.Rest, own func(*inference.Rest) bool, reason string) error {
	for i := range rest {
		r := &rest[i]
		if own(r) && !strings.ContainsAny(r.Path, ".[") {
			w.Key(r.Path).Bytes(r.Value)
			continue
		}
		if err := l.Parameter(r.Path, string(r.Value), reason); err != nil {
			return err
		}
	}
	return nil
}

// Continues refuses a prompt that goes on with what its upstream is to have kept: none of those does that asks.
func (l *Losses) Continues(p *inference.Prompt) error {
	for _, g := range [...]Given{{"previous_response_id", p.PreviousID}, {"conversation", p.Conversation}} {
		if g.Value != "" {
			return l.Refuse(g.Path, "The upstream keeps no conversations: send the whole of it.")
		}
	}
	return nil
}

// Content drops a piece of the conversation, or a tool. Error: ErrUntranslatable at path, unless the policy drops all losses.
func (l *Losses) Content(path, value, reason string) error {
	if l.Policy != DropLosses {
		return l.Refuse(path, reason)
	}
	l.add(path, value, "", reason)
	return nil
}

// Changed notes that a value went out otherwise than it came, but means the same or as near as the upstream gets.
func (l *Losses) Changed(path, before, after, reason string) { l.add(path, before, after, reason) }

// Refuse returns the error for what no policy lets go.
func (l *Losses) Refuse(path, reason string) error { return ErrUntranslatable.Saying(reason).At(path) }

// maxShown is how much of a value the log of a request shows.
const maxShown = 200

func (l *Losses) add(path, before, after, reason string) {
	l.Dropped = append(l.Dropped, Loss{path, shown(before), shown(after), reason})
}

func shown(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not within a character
		cut--
	}
	return s[:cut] + "…"
}
