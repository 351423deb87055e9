package batches

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

const (
	// soon is when a batch is looked at again whose lines are under way, busy when one that cannot be taken up now.
	soon = 250 * time.Millisecond
	busy = 2 * time.Second
	// page is how many lines are read at once.
	page = 500
)

// Run takes a batch as far as it gets. later is when to look again; 0: it has ended. Another may run the same batch, or may
// have been interrupted anywhere: what is written decides.
func (s *Service) Run(ctx context.Context, batch id.ID) (later time.Duration, err error) {
	b, err := s.Store.BatchByID(ctx, identity.Owner{}, batch)
	switch {
	case errors.Is(err, fault.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case b.Status.Final():
		return 0, nil
	case b.InProgressAt.IsZero() && (b.Status == Validating || b.Protocol() == Anthropic):
		// Anthropic's requests all get a result, those of a batch too that was canceled before anybody looked at it.
		return soon, s.validate(ctx, &b)
	}
	return s.advance(ctx, &b)
}

// change changes a batch as it is in the store.
func (s *Service) change(ctx context.Context, b *Batch, f func(t tx.Tx, b *Batch) error) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		stored, err := s.Store.BatchLock(ctx, t, b.ID)
		if err != nil {
			return err
		}
		if stored.Status.Final() {
			return nil
		}
		if err := f(t, &stored); err != nil {
			return err
		}
		return s.Store.BatchUpdate(ctx, t, &stored)
	})
}

// validate takes the input apart, and ends a batch whose input cannot be taken.
func (s *Service) validate(ctx context.Context, b *Batch) error {
	lines, wrong, err := s.readLines(ctx, b)
	if err != nil {
		return err
	}
	return s.change(ctx, b, func(t tx.Tx, b *Batch) error {
		if !b.InProgressAt.IsZero() {
			return nil // somebody else has
		}
		if len(wrong) > 0 {
			b.Errors, _ = json.Marshal(problems{"list", wrong}) // texts and numbers
			b.Status, b.EndedAt = Failed, s.Now()
			return nil
		}
		b.InProgressAt, b.Counts.Total = s.Now(), int64(len(lines))
		if b.Status == Validating {
			b.Status = InProgress
		}
		return s.Store.LinesInsert(ctx, t, lines)
	})
}

func (s *Service) readLines(ctx context.Context, b *Batch) ([]Line, []problem, error) {
	_, in, err := s.Files.OpenAny(ctx, b.Owner(), b.InputFileID)
	if errors.Is(err, fault.ErrNotFound) {
		return nil, []problem{{Code: "file_not_found", Message: "The input file is not there any more.", Param: "input_file_id"}}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	return readInput(b, in)
}

// advance takes down what has ended, takes up what is next, and ends the batch when nothing is left.
func (s *Service) advance(ctx context.Context, b *Batch) (time.Duration, error) {
	under, err := s.collect(ctx, b)
	if err != nil {
		return 0, err
	}
	wait, left := soon, true
	if why := s.stopping(b); why != nil {
		left, err = false, s.stop(ctx, b, why)
	} else if room := s.Parallel - under; room > 0 {
		wait, left, err = s.feed(ctx, b, room)
	}
	if err != nil || left || under > 0 {
		return wait, err
	}
	if open, err := s.Store.LineList(ctx, b.ID, []State{Pending, Sent}, 0, 1); err != nil || len(open) > 0 {
		return soon, err
	}
	return 0, s.finish(ctx, b)
}

// why says why lines are not made any more, and what they become.
type why struct {
	state         State
	code, message string
}

// stopping is why no more lines are taken up; nil: they are.
func (s *Service) stopping(b *Batch) *why {
	switch {
	case b.Status == Canceling:
		return &why{Withdrawn, "batch_cancelled", "This request was not made: the batch was cancelled."}
	case !s.Now().Before(b.Expiry):
		return &why{Late, "batch_expired", "This request could not be made before the completion window ended."}
	}
	return nil
}

// stop ends the lines that nobody has taken up, and asks for the end of those that somebody has.
func (s *Service) stop(ctx context.Context, b *Batch, w *why) error {
	for {
		pending, err := s.Store.LineList(ctx, b.ID, []State{Pending}, 0, page)
		if err != nil {
			return err
		}
		for i := range pending {
			if err := s.end(ctx, b, &pending[i], &Outcome{State: w.state, Code: w.code, Message: w.message}); err != nil {
				return err
			}
		}
		if len(pending) < page {
			break
		}
	}
	sent, err := s.Store.LineList(ctx, b.ID, []State{Sent}, 0, page)
	for i := range sent {
		if err := s.Calls.Cancel(ctx, b, sent[i].TaskID); err != nil {
			return err
		}
	}
	return err
}

// collect takes down how lines have ended, and tells how many have not.
func (s *Service) collect(ctx context.Context, b *Batch) (under int, err error) {
	after := int64(0)
	for {
		sent, err := s.Store.LineList(ctx, b.ID, []State{Sent}, after, page)
		if err != nil {
			return 0, err
		}
		for i := range sent {
			after = sent[i].No
			o, ended, err := s.Calls.Outcome(ctx, b, sent[i].TaskID)
			if err == nil && ended {
				err = s.end(ctx, b, &sent[i], &o)
			}
			if err != nil {
				return 0, err
			}
			if !ended {
				under++
			}
		}
		if len(sent) < page {
			return under, nil
		}
	}
}

// feed takes up lines as far as there is room. left says that not all of them have ended.
func (s *Service) feed(ctx context.Context, b *Batch, room int) (wait time.Duration, left bool, err error) {
	next, err := s.Store.LineList(ctx, b.ID, []State{Pending}, 0, room)
	if err != nil || len(next) == 0 {
		return soon, false, err
	}
	_, in, err := s.Files.OpenAny(ctx, b.Owner(), b.InputFileID)
	if errors.Is(err, fault.ErrNotFound) {
		return soon, true, s.stop(ctx, b, &why{Refused, "file_not_found", "The input file is not there any more."})
	}
	if err != nil {
		return 0, true, err
	}
	defer in.Close()
	for i := range next {
		later, err := s.send(ctx, b, &next[i], in)
		if err != nil || later {
			return busy, true, err
		}
	}
	return soon, true, nil
}

// send takes up one line. later says that it cannot be taken up now.
func (s *Service) send(ctx context.Context, b *Batch, l *Line, in io.ReadSeeker) (later bool, err error) {
	body, err := bodyOf(b, l, in)
	if err != nil {
		return false, err
	}
	l.TaskID, err = s.Calls.Accept(ctx, b, l, body)
	if err == nil {
		return false, s.Store.LineSent(ctx, l)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	f := fault.From(err)
	if f.Status >= 500 || f.Status == 429 {
		return true, nil
	}
	return false, s.end(ctx, b, l, &Outcome{Status: f.Status, Body: s.Calls.Refusal(b, f)})
}

// bodyOf reads what a line wants to be called with. The input was checked, and files never change.
func bodyOf(b *Batch, l *Line, in io.ReadSeeker) ([]byte, error) {
	if _, err := in.Seek(l.Start, io.SeekStart); err != nil {
		return nil, err
	}
	text := make([]byte, l.Size)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, err
	}
	var q request
	err := json.Unmarshal(text, &q)
	return q.call(b.Protocol()), err
}

// end takes down how a line has ended.
func (s *Service) end(ctx context.Context, b *Batch, l *Line, o *Outcome) error {
	switch {
	case o.State != "":
		l.State = o.State
	case o.Status == 200:
		l.State = Answered
	default:
		l.State = Refused
	}
	l.Answer = s.told(b, l, o)
	return s.Store.LineEnd(ctx, l, o)
}
