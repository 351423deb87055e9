package batches

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/kernel/id"
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

// told is how a line has ended, as a line of the batch's protocol.
func (s *Service) told(b *Batch, l *Line, o *Outcome) []byte {
	if b.Protocol() == Anthropic {
		return s.resultLine(b, l, o)
	}
	return outputLine(l, o)
}

// finish writes the files and ends the batch. The lines go with it: what they say is in the files. Of several that do so the
// first one counts.
func (s *Service) finish(ctx context.Context, b *Batch) error {
	err := s.change(ctx, b, func(_ tx.Tx, b *Batch) error { b.FinalizingAt = s.Now(); return nil })
	if err != nil {
		return err
	}
	for _, p := range productsOf(b.Protocol()) {
		if err := s.file(ctx, b, &p); err != nil {
			return err
		}
	}
	if err := s.close(ctx, b); err != nil || b.Protocol() == OpenAI {
		return err
	}
	// Nobody but the batch knows of its input. What cannot be deleted now ends with its time.
	_ = s.Files.DeleteAny(ctx, b.Owner(), b.InputFileID)
	return nil
}

// close ends the batch.
func (s *Service) close(ctx context.Context, b *Batch) error {
	return s.change(ctx, b, func(t tx.Tx, b *Batch) error {
		switch {
		case b.Status == Canceling:
			b.Status = Canceled
		case b.Counts.Expired > 0:
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

// product is a file that a batch ends with.
type product struct {
	name    string
	purpose files.Purpose
	of      []State
	place   func(*Batch) *id.ID
}

func (b *Batch) output() *id.ID { return &b.OutputFileID }

func (b *Batch) refused() *id.ID { return &b.ErrorFileID }

// productsOf are the files that batches of a protocol end with.
func productsOf(p Protocol) []product {
	if p == Anthropic {
		return []product{{"results", files.MessageResults, ended, (*Batch).output}}
	}
	return []product{
		{"errors", files.BatchOutput, unserved, (*Batch).refused}, {"output", files.BatchOutput, []State{Answered}, (*Batch).output},
	}
}

// file makes a file, unless there is nothing to be in it or it is made.
func (s *Service) file(ctx context.Context, b *Batch, p *product) error {
	content, err := s.content(ctx, b, p.of)
	if err != nil || len(content) == 0 {
		return err
	}
	n := files.New{
		Name: "batch_" + b.ID.Compact() + "_" + p.name + ".jsonl", Purpose: p.purpose, Content: content, ExpiresAfter: b.Output,
	}
	_, err = s.Files.Write(ctx, b.Owner(), &n, func(t tx.Tx, f *files.File) error {
		stored, err := s.Store.BatchLock(ctx, t, b.ID)
		if err != nil {
			return err
		}
		made := p.place(&stored)
		if stored.Status.Final() || !made.IsZero() {
			return errWritten
		}
		*made = f.ID
		return s.Store.BatchUpdate(ctx, t, &stored)
	})
	if errors.Is(err, errWritten) {
		return nil
	}
	return err
}

// content is what the lines of some states say, in the order of the input.
func (s *Service) content(ctx context.Context, b *Batch, of []State) ([]byte, error) {
	var out bytes.Buffer
	after := int64(0)
	for {
		lines, err := s.Store.LineList(ctx, b.ID, of, after, page)
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
