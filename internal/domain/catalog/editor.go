package catalog

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Editor changes the catalogue for people. Every change is announced as an event.Change and, once per transaction, as
// Changed.
type Editor struct{ EditorParts }

// EditorParts are what an editor works with; all are required.
type EditorParts struct {
	Store Store
	Rules Rules
	Bus   *event.Bus
	Now   clock.Clock
}

// NewEditor returns an editor.
func NewEditor(p EditorParts) *Editor { return &Editor{p} }

// The states of providers and models.
const (
	Active   = "active"
	Disabled = "disabled"
)

// The sources of providers and models.
const (
	System = "system" // came with Gantry
	Custom = "custom"
)

// change announces what became of a provider or a model.
type change struct {
	action, target string
	id             id.ID
	before, after  any
}

func (e *Editor) announceTx(ctx context.Context, t tx.Tx, by event.Actor, c change) error {
	return e.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "catalog", Action: c.target + "." + c.action, TargetType: c.target, TargetID: c.id.String(),
		Before: c.before, After: c.after,
	})
}

// editTx makes one change known.
func (e *Editor) editTx(ctx context.Context, t tx.Tx, by event.Actor, c change) error {
	if err := e.announceTx(ctx, t, by, c); err != nil {
		return err
	}
	return e.Bus.Announce(ctx, t, Changed{})
}

// orElse makes the storage's general faults those of what was asked for.
func orElse(err error, general, specific *fault.Error) error {
	if errors.Is(err, general) {
		return specific
	}
	return err
}

// set takes over a text that was entered.
func set(to *string, from *string) {
	if from != nil {
		*to = *from
	}
}

// setDocument takes over a document that was entered; null empties it.
func setDocument(to *json.RawMessage, from json.RawMessage) {
	switch {
	case len(from) == 0:
	case string(from) == "null":
		*to = json.RawMessage(`{}`)
	default:
		*to = from
	}
}

// setID takes over an id that was entered; the empty text is none. Code: invalid_parameter.
func setID(path string, to *id.ID, from *string) error {
	if from == nil {
		return nil
	}
	var v id.ID
	if err := v.UnmarshalText([]byte(*from)); err != nil {
		return invalid(path, "This is not an id.")
	}
	*to = v
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
