package batches

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// output is a line of what a batch makes.
type output struct {
	ID       string    `json:"id"`
	CustomID string    `json:"custom_id"`
	Response *response `json:"response"`
	Error    *failure  `json:"error"`
}

type response struct {
	StatusCode int             `json:"status_code"`
	RequestID  string          `json:"request_id"`
	Body       json.RawMessage `json:"body"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// outputLine writes how a line has ended, as one line.
func outputLine(l *Line, o *Outcome) []byte {
	named := l.TaskID
	if named.IsZero() {
		named = l.BatchID
	}
	out := output{ID: "batch_req_" + named.Compact(), CustomID: l.CustomID}
	if o.Status != 0 {
		out.Response = &response{o.Status, o.RequestID, o.Body}
	} else {
		out.Error = &failure{o.Code, o.Message}
	}
	b, err := json.Marshal(out)
	if err != nil { // a body that is no JSON
		out.Response, out.Error = nil, &failure{"invalid_answer", "The answer is not valid JSON."}
		b, _ = json.Marshal(out) //nolint:errchkjson // texts
	}
	return append(b, '\n')
}

// finish writes the files and ends the batch. The lines go with it: what they say is in the files. Of several that do so the
// first one counts.
func (s *Service) finish(ctx context.Context, b *Batch) error {
	err := s.change(ctx, b, func(_ tx.Tx, b *Batch) error { b.FinalizingAt = s.Now(); return nil })
	if err != nil {
		return err
	}
	err = s.file(ctx, b, Refused, "errors", func(_ tx.Tx, b *Batch, f *files.File) error { b.ErrorFileID = f.ID; return nil })
	if err == nil {
		err = s.file(ctx, b, Answered, "output", func(_ tx.Tx, b *Batch, f *files.File) error { b.OutputFileID = f.ID; return nil })
	}
	if err != nil && !errors.Is(err, errWritten) {
		return err
	}
	return s.change(ctx, b, func(t tx.Tx, b *Batch) error {
		switch {
		case b.Status == Canceling:
			b.Status = Canceled
		case s.stopping(b) != nil && b.Counts.Failed > 0:
			b.Status = Expired
		default:
			b.Status = Completed
		}
		b.EndedAt = s.Now()
		return s.Store.LinesDelete(ctx, t, b.ID)
	})
}

// errWritten says that somebody else has ended the batch.
var errWritten = errors.New("batches: the batch has ended")

// file makes a file of the lines of a state, unless there are none or it is made.
func (s *Service) file(ctx context.Context, b *Batch, state State, name string, note func(tx.Tx, *Batch, *files.File) error) error {
	content, err := s.content(ctx, b, state)
	if err != nil || len(content) == 0 {
		return err
	}
	n := files.New{
		Name: "batch_" + b.ID.Compact() + "_" + name + ".jsonl", Purpose: files.BatchOutput, Content: content, ExpiresAfter: b.Output,
	}
	_, err = s.Files.Write(ctx, b.Owner(), &n, func(t tx.Tx, f *files.File) error {
		stored, err := s.Store.BatchLock(ctx, t, b.ID)
		if err != nil {
			return err
		}
		made := stored.OutputFileID
		if state == Refused {
			made = stored.ErrorFileID
		}
		if stored.Status.Final() || !made.IsZero() {
			return errWritten
		}
		if err := note(t, &stored, f); err != nil {
			return err
		}
		return s.Store.BatchUpdate(ctx, t, &stored)
	})
	if errors.Is(err, errWritten) {
		return nil
	}
	return err
}

// content is what the lines of a state say, in the order of the input.
func (s *Service) content(ctx context.Context, b *Batch, state State) ([]byte, error) {
	var out bytes.Buffer
	after := int64(0)
	for {
		lines, err := s.Store.LineList(ctx, b.ID, []State{state}, after, page)
		if err != nil {
			return nil, err
		}
		for i := range lines {
			out.Write(lines[i].Answer)
			after = lines[i].No
		}
		if len(lines) < page {
			return out.Bytes(), nil
		}
	}
}
