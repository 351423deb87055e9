package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Report is what starting a journal found and did.
type Report struct {
	Applied  int   // records that the database did not have yet
	Captured int   // calls that were cut and charged at their last mark
	Released int   // calls that were cut before anything was delivered
	Torn     int64 // bytes of commits that were never finished; nobody was told that they were durable
}

// CorruptError says that the journal cannot be read where a durable commit must be. Nothing was changed.
type CorruptError struct {
	Segment string
	Offset  int64
	Reason  string
}

// Error says where and why.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal: %s is corrupt at offset %d: %s", e.Segment, e.Offset, e.Reason)
}

// Start makes good what an earlier process left behind and returns a running journal: records that the database does not
// have are applied, calls that were open are closed at their last mark. The error is a *CorruptError, or what the disk or
// the database said; then nothing must be served.
func Start(ctx context.Context, o Options, now clock.Clock) (*Journal, Report, error) {
	o = o.normal()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, Report{}, err
	}
	r := recovery{Options: o, now: now, open: map[id.ID]*cut{}}
	if err := r.run(ctx); err != nil {
		return nil, r.report, err
	}
	return newJournal(o, r.end), r.report, nil
}

// recovery reads the journal from where open calls may have begun.
type recovery struct {
	Options
	now    clock.Clock
	from   Position
	report Report
	open   map[id.ID]*cut
	order  []id.ID // of Opens, so that what is made up now has an order of its own
	batch  []*Record
	end    int64
}

// cut is a call that was open when the process ended.
type cut struct {
	open Open
	mark *Mark
}

func (r *recovery) run(ctx context.Context) error {
	var err error
	if r.from, err = r.Sink.JournalApplied(ctx); err != nil {
		return err
	}
	segments, err := listSegments(r.Dir)
	if err != nil {
		return err
	}
	r.end = r.from.Applied
	if len(segments) > 0 && segments[0].base > r.from.Replay {
		return &CorruptError{filepath.Base(segments[0].path), r.from.Replay, "earlier segments are missing"}
	}
	if err := r.read(ctx, segments); err != nil {
		return err
	}
	if err := r.closeCut(ctx); err != nil {
		return err
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	return r.discard(segments)
}

// read goes through the segments that matter.
func (r *recovery) read(ctx context.Context, segments []segment) error {
	for i, s := range segments {
		last := i == len(segments)-1
		if !last && segments[i+1].base <= r.from.Replay {
			continue
		}
		body, err := os.ReadFile(s.path)
		if err != nil {
			return err
		}
		n, err := r.segment(ctx, s, body)
		if err != nil {
			return err
		}
		end := s.base + int64(n)
		if n < len(body) {
			if err := r.torn(s, body, n, last); err != nil {
				return err
			}
		}
		if !last && end != segments[i+1].base {
			return &CorruptError{filepath.Base(s.path), end, "the next segment does not follow"}
		}
		r.end = max(r.end, end)
	}
	return nil
}

// segment goes through the frames of a segment and returns where they end.
func (r *recovery) segment(ctx context.Context, s segment, body []byte) (int, error) {
	at := 0
	for at < len(body) {
		entries, n := openFrame(body[at:], s.base+int64(at))
		if n == 0 {
			break
		}
		end := s.base + int64(at+n)
		err := eachEntry(entries, func(k kind, rd *reader) error { return r.entry(k, rd, end > r.from.Applied) })
		if err != nil {
			return at, &CorruptError{filepath.Base(s.path), s.base + int64(at), err.Error()}
		}
		at += n
		if len(r.batch) >= r.MaxBatch {
			if err := r.apply(ctx); err != nil {
				return at, err
			}
		}
	}
	return at, nil
}

func (r *recovery) entry(k kind, rd *reader, fresh bool) error {
	switch k {
	case kindOpen:
		c := &cut{}
		c.open.read(rd)
		task := c.open.Task.ID
		if r.open[task] == nil {
			r.order = append(r.order, task)
		}
		r.open[task] = c
	case kindMark:
		m := &Mark{}
		m.read(rd)
		if c := r.open[m.TaskID]; c != nil {
			c.mark = m
		}
	case kindRecord:
		v := &Record{}
		v.read(rd)
		delete(r.open, v.Task.ID)
		if fresh {
			r.batch = append(r.batch, v)
			r.report.Applied++
		}
	default:
		return fmt.Errorf("entry of unknown kind %d", k)
	}
	return nil
}

// torn cuts off what a crash left unfinished. What a later commit says was durable must be there.
func (r *recovery) torn(s segment, body []byte, at int, last bool) error {
	name, offset := filepath.Base(s.path), s.base+int64(at)
	if !last {
		return &CorruptError{name, offset, "a later segment exists"}
	}
	if next, was := wasDurable(body[at:], offset); was {
		return &CorruptError{name, offset, fmt.Sprintf("it was durable, says the commit at offset %d", offset+int64(next))}
	}
	if offset < r.from.Applied {
		return &CorruptError{name, offset, fmt.Sprintf("the database has applied it up to offset %d", r.from.Applied)}
	}
	r.report.Torn = int64(len(body) - at)
	return nil
}

// closeCut makes records of the calls that nobody ended.
func (r *recovery) closeCut(ctx context.Context) error {
	for _, task := range r.order {
		c := r.open[task]
		if c == nil {
			continue
		}
		delete(r.open, task)
		r.batch = append(r.batch, c.record(r.now))
		if c.mark != nil && c.mark.Amount > 0 {
			r.report.Captured++
		} else {
			r.report.Released++
		}
		if len(r.batch) >= r.MaxBatch {
			if err := r.apply(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// record closes a cut call: what its last mark says was delivered is charged, and nothing where nothing was.
// Source: MONEY section 3, "gateway crash mid-stream".
func (c *cut) record(now clock.Clock) *Record {
	at := now()
	t := c.open.Task
	t.Status, t.ErrorCode, t.ErrorMessage = tasks.Failed, "interrupted", "The service stopped while this call was under way."
	t.FinishedAt, t.UpdatedAt = at, at
	v := &Record{Task: t}
	if c.mark == nil || c.mark.Amount == 0 {
		return v
	}
	v.Task.Charged, v.Task.Lines, v.Task.Usage, v.Task.BillReason = c.mark.Amount, c.mark.Lines, c.mark.Usage, "crash"
	v.Transfers = []wallet.Transfer{{
		ID: id.At(at), At: at, Kind: wallet.TransferCapture, Currency: t.Currency, Amount: c.mark.Amount,
		DebitAccountID: c.open.WalletID, CreditAccountID: c.open.RevenueID, RefType: "task", RefID: t.ID.String(),
		HoldAmount: t.Held, Reason: "crash",
	}}
	return v
}

// apply writes what has been collected. While calls are open the old position stays: applying twice changes nothing,
// forgetting a call would.
func (r *recovery) apply(ctx context.Context) error {
	p := r.from
	if len(r.open) == 0 {
		p = Position{Applied: r.end, Replay: r.end}
	}
	batch := r.batch
	if len(batch) == 0 && p == r.from {
		return nil
	}
	r.batch = nil
	return r.Sink.RecordsApply(ctx, batch, p)
}

// discard removes the files that have been taken in whole. What was torn goes with them: the next commit begins a new
// file behind it.
func (r *recovery) discard(segments []segment) error {
	var errs []error
	for _, s := range slices.Backward(segments) {
		errs = append(errs, r.Disk.Remove(s.path))
	}
	return errors.Join(append(errs, syncDir(r.Dir))...)
}
