package relay

import (
	"errors"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/params"
)

var (
	// errUnsupported refuses what the model's capabilities say it cannot take.
	errUnsupported = wire.ErrUntranslatable
	// errRules says that an operator's rules made a request that is none.
	errRules = fault.New(http.StatusInternalServerError, "parameter_rules_invalid",
		"The parameter rules of this model make the request invalid.")
)

// received is what the caller sent.
type received struct {
	body []byte
	ask  wire.Ask
}

// shapeFor makes the request what the target can take. It comes before money is set aside, and the request is read anew
// when it changed: what is priced is what is sent. Codes: those of Target.shaped.
func (c *call) shapeFor(t *Target) error {
	if c.received != nil {
		c.body, c.ask, c.received, c.changes, c.inputTokens = c.received.body, c.received.ask, nil, nil, 0
	}
	if t.shaping == nil {
		return nil
	}
	body, ask, changes, err := t.shaped(c.op.Format, c.body, &c.ask)
	if errors.Is(err, errRules) {
		c.log.Error("parameter rules", "platform", t.Platform.Name, "model", t.Model.Alias, "error", err)
	}
	if err != nil || len(changes) == 0 {
		return err
	}
	c.received = &received{c.body, c.ask}
	c.body, c.ask, c.changes, c.inputTokens = body, ask, changes, 0
	c.spare()
	return nil
}

// shaped returns the request as the target can take it, and what was changed. Codes: unsupported_parameter with the path,
// parameter_rules_invalid.
func (t *Target) shaped(f wire.Format, body []byte, ask *wire.Ask) ([]byte, wire.Ask, []params.Change, error) {
	if t.shaping == nil {
		return body, *ask, nil, nil
	}
	shaped, changes, err := t.shaping.apply(body)
	switch {
	case refusal(err) != nil:
		r := refusal(err)
		return nil, wire.Ask{}, nil, errUnsupported.Saying(r.Message).At(r.Path)
	case err != nil:
		return nil, wire.Ask{}, nil, fault.ErrBadJSON.Because(err)
	case len(changes) == 0:
		return body, *ask, nil, nil
	}
	next, err := f.Peek(shaped)
	if err != nil {
		return nil, wire.Ask{}, nil, errRules.Because(err)
	}
	if !sameCall(&next, ask) {
		return nil, wire.Ask{}, nil, errRules
	}
	return shaped, next, changes, nil
}

// sameCall reports whether two readings agree in what was authorised and in how the answer comes.
func sameCall(a, b *wire.Ask) bool {
	return a.Model == b.Model && a.Stream == b.Stream && a.WantsUsage == b.WantsUsage && a.Simulation == b.Simulation
}

// preprocessing is what was changed of the request for one attempt, as the task keeps it.
type preprocessing struct {
	AttemptNo       int                 `json:"attemptNo"`
	Changed         bool                `json:"changed"`
	ChangeCount     int                 `json:"changeCount"`
	Changes         []params.Change     `json:"changes"`
	ModelType       inference.ModelType `json:"modelType"`
	PlatformID      id.ID               `json:"platformId"`
	PlatformModelID id.ID               `json:"platformModelId"`
	CreatedAt       string              `json:"createdAt"`
}

// logChanges notes what an attempt is sent otherwise than the caller wrote it.
func (c *call) logChanges(t *Target, attempt int) {
	changes := c.changed()
	if len(changes) == 0 {
		return
	}
	c.preprocessed = append(c.preprocessed, preprocessing{
		AttemptNo: attempt, Changed: true, ChangeCount: len(changes), Changes: changes,
		ModelType: c.op.Format.Kind().ModelType(), PlatformID: t.Platform.ID, PlatformModelID: t.Model.ID,
		CreatedAt: c.now().UTC().Format(time.RFC3339Nano),
	})
}
