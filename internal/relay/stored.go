package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Shelf keeps answers that callers may ask for again and continue; *tasks.Shelf is it.
type Shelf interface {
	// Conversation returns what a call continues, the oldest first. Codes: not_found, and those of tasks.Shelf.
	Conversation(ctx context.Context, o identity.Owner, k inference.Kind, last id.ID) ([]tasks.Kept, error)
	// Get returns one answer. Code: not_found.
	Get(ctx context.Context, o identity.Owner, k inference.Kind, answer id.ID) (tasks.Kept, error)
	// Expiry is until when an answer of now is kept; false: those of its kind are not.
	Expiry(k inference.Kind, now time.Time) (until time.Time, ok bool)
}

// maxShelved bounds an answer that is kept, with its input.
const maxShelved = 16 << 20

var (
	errBackground = fault.New(http.StatusBadRequest, "invalid_value",
		"Background responses are not offered here. Leave 'background' out.").At("background")
	errPrevious = fault.New(http.StatusNotFound, "previous_response_not_found",
		"There is no such response, or it has expired.").At("previous_response_id")
	errUnkept = fault.New(http.StatusRequestEntityTooLarge, "body_too_large",
		"The input is too large to be kept. Send store: false.").At("store")
)

// stored is what a call has to do with answers that are kept.
type stored struct {
	format   wire.Storing
	ask      wire.StoredAsk
	original []byte       // what the caller sent
	past     []tasks.Kept // what it continues
	previous id.ID
	source   string      // what its answer is made from, as the upstream names it; "": nothing
	kept     *tasks.Kept // its own answer
	until    time.Time   // it may be asked for
}

// openStored reads what a request says about what is kept, and puts what it continues before it.
func (c *call) openStored() error {
	f, ok := c.op.Format.(wire.Storing)
	if !ok || c.shelf == nil {
		return nil
	}
	until, keeps := c.shelf.Expiry(c.op.Format.Kind(), c.accepted)
	if !keeps {
		return nil
	}
	s := &stored{until: until, format: f, ask: f.Stored(c.body, &c.ask), original: c.body}
	c.stored = s
	if s.ask.Explicit && len(s.ask.Input) > maxShelved/2 {
		return errUnkept
	}
	switch {
	case s.ask.Source != "":
		return c.openSource()
	case s.ask.Previous != "":
		return c.recall()
	}
	return nil
}

// recall makes the call one that continues nothing: what came before goes along. Codes: previous_response_not_found,
// invalid_value, body_too_large.
func (c *call) recall() error {
	s := c.stored
	previous, ok := s.format.Named(s.ask.Previous)
	if !ok {
		return errPrevious
	}
	var err error
	s.previous = previous
	s.past, err = c.shelf.Conversation(c.ctx(), c.owner(), c.op.Format.Kind(), s.previous)
	if errors.Is(err, fault.ErrNotFound) {
		return errPrevious
	}
	if err != nil {
		return err
	}
	return c.continueWith(true)
}

// continueWith writes the request with its past anew.
func (c *call) continueWith(hidden bool) error {
	s := c.stored
	turns := make([]wire.Turn, len(s.past))
	for i := range s.past {
		turns[i] = wire.Turn{Input: s.past[i].Input, Answer: s.past[i].Answer}
	}
	ask, err := c.op.Format.Peek(s.original)
	if err != nil {
		return err
	}
	body := s.format.Continue(nil, s.original, &ask, turns, hidden)
	if int64(len(body)) > c.maxBody() {
		return fault.ErrTooLarge.Saying("The conversation is too long to be continued.")
	}
	c.body, c.spared = body, 0
	c.ask, err = c.op.Format.Peek(body)
	return err
}

// owner is whose answers the call may see.
func (c *call) owner() identity.Owner { return c.principal.Owner() }

// sent is the request as the caller sent it.
func (c *call) sent() []byte {
	if c.stored != nil {
		return c.stored.original
	}
	return c.body
}

// continues reports whether the call goes on with an answer of an upstream account.
func (c *call) continues() bool { return c.stored != nil && len(c.stored.past) > 0 }

// accountOf is what of a lane is the account that the conversation is at: what follows goes where the first went. Where that
// account is no more, the others may go on, without what was thought.
func (c *call) accountOf(l *lane) *lane {
	if !c.continues() {
		return l
	}
	if c.stored.source != "" {
		return c.accountOfSource(l)
	}
	last := c.stored.past[len(c.stored.past)-1]
	if same := sameAccount(l, &last); len(same) > 0 {
		return newLane(same, wire.API(c.op.Format))
	}
	err := c.continueWith(false)
	if err == nil && c.taken {
		err = c.unstream()
	}
	if err == nil {
		err = c.attachFiles()
	}
	if err != nil {
		c.log.Error("conversation not continued elsewhere", "request_id", c.requestID, "error", err)
	}
	return l
}

// sameAccount are the targets of a lane that are the account which made an answer.
func sameAccount(l *lane, of *tasks.Kept) (same []*Target) {
	for _, choice := range l.choices {
		for _, t := range choice.keys {
			if t.Platform.ID == of.PlatformID && t.CredentialID == of.CredentialID {
				same = append(same, t)
			}
		}
	}
	return same
}

// names are what the call's answer is called; nil: as the upstream calls it.
func (c *call) names() *wire.Names {
	if c.stored == nil {
		return nil
	}
	return &wire.Names{ID: c.stored.format.Name(c.taskID), Previous: c.stored.ask.Previous}
}

// shelve names a whole answer and keeps it where that is wanted.
func (c *call) shelve(answer []byte) []byte {
	if c.stored == nil {
		return answer
	}
	answer = c.stored.format.Rename(nil, answer, c.names())
	c.keepAnswer(answer)
	return answer
}

// shelveStream keeps what a stream that has come to its end has said.
func (c *call) shelveStream(m wire.Meter) {
	if k, ok := m.(wire.AnswerKeeper); ok && c.stored != nil {
		if answer := k.Answer(); answer != nil {
			c.keepAnswer(answer)
		}
	}
}

func (c *call) keepAnswer(answer []byte) {
	s := c.stored
	if !s.ask.Keep || len(answer)+len(s.ask.Input) > maxShelved {
		return
	}
	s.kept = c.place()
	s.kept.PlatformID, s.kept.CredentialID = c.target.Platform.ID, c.target.CredentialID
	s.kept.Answer = answer
}

// place is where the call's answer is kept, before there is one.
func (c *call) place() *tasks.Kept {
	s := c.stored
	return &tasks.Kept{
		ID: c.taskID, TenantID: c.principal.TenantID, UserID: c.principal.UserID, PreviousID: s.previous,
		Background: c.ask.Background, Model: c.ask.Model, Input: bytes.Clone(s.ask.Input), CreatedAt: c.accepted,
		ExpiresAt: s.until, Kind: c.op.Format.Kind(),
	}
}

// acceptedPlace is the place of the answer of a call that is taken up as a task; nil: it is not kept.
func (c *call) acceptedPlace() *tasks.Kept {
	if c.stored == nil || !c.stored.ask.Keep || len(c.stored.ask.Input) > maxShelved/2 {
		return nil
	}
	return c.place()
}

// keptAnswer is the answer that goes with the call's record; nil: none is kept.
func (c *call) keptAnswer() *tasks.Kept {
	if c.stored == nil {
		return nil
	}
	return c.stored.kept
}

// errAside says that a call is not to be waited for: whoever takes it up answers it.
var errAside = errors.New("relay: not to be waited for")

// checkAside looks whether the caller waits. Codes: errAside, and invalid_value where nobody takes such calls up.
func (c *call) checkAside() error {
	switch {
	case !c.ask.Background || c.taken:
		return nil
	case c.op.Deferred == nil || c.shelf == nil:
		return errBackground
	}
	if _, keeps := c.shelf.Expiry(c.op.Format.Kind(), c.accepted); !keeps {
		return errBackground
	}
	return errAside
}

// aside hands a request that is not to be waited for to whoever takes it up: it is theirs to answer and to tell of.
func (c *call) aside() {
	c.handed = true
	c.req.Body, c.req.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
	c.op.Deferred(c.w, c.req)
}
