package protocols

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// prefixMessageBatch begins the names of Anthropic's batches.
const prefixMessageBatch = "msgbatch_"

const messageBatchesPath = "/v1/messages/batches"

// mountMessageBatches adds batches in Anthropic's protocol.
func (s *surface) mountMessageBatches(r chi.Router) {
	const one = messageBatchesPath + "/{messageBatchID}"
	for _, route := range [...]struct {
		method, path string
		handle       ownHandler
	}{
		{http.MethodPost, messageBatchesPath, s.createMessageBatch},
		{http.MethodGet, messageBatchesPath, s.listMessageBatches},
		{http.MethodGet, one, s.getMessageBatch},
		{http.MethodDelete, one, s.deleteMessageBatch},
		{http.MethodPost, one + "/cancel", s.cancelMessageBatch},
		{http.MethodGet, one + "/results", s.messageBatchResults},
	} {
		r.Method(route.method, route.path, asAnthropic(s.owned(identity.ScopeTasks, route.handle)))
	}
}

// messageBatchView is a batch as Anthropic's protocol shows it.
type messageBatchView struct {
	ID                string             `json:"id"`
	Type              string             `json:"type"`
	Status            string             `json:"processing_status"`
	Counts            messageBatchCounts `json:"request_counts"`
	CreatedAt         string             `json:"created_at"`
	ExpiresAt         string             `json:"expires_at"`
	EndedAt           *string            `json:"ended_at"`
	CancelInitiatedAt *string            `json:"cancel_initiated_at"`
	ArchivedAt        *string            `json:"archived_at"`
	ResultsURL        *string            `json:"results_url"`
}

type messageBatchCounts struct {
	Processing int64 `json:"processing"`
	Succeeded  int64 `json:"succeeded"`
	Errored    int64 `json:"errored"`
	Canceled   int64 `json:"canceled"`
	Expired    int64 `json:"expired"`
}

func (s *surface) showMessageBatch(req *http.Request, b *batches.Batch) messageBatchView {
	c := b.Counts
	v := messageBatchView{
		ID: openai.Name(prefixMessageBatch, b.ID), Type: "message_batch", Status: "in_progress",
		Counts:    messageBatchCounts{c.Under(), c.Completed, c.Failed, c.Canceled, c.Expired},
		CreatedAt: instantText(b.CreatedAt), ExpiresAt: instantText(b.Expiry), EndedAt: instant(b.EndedAt), CancelInitiatedAt: instant(b.CancelingAt),
	}
	switch {
	case b.Status == batches.Canceling:
		v.Status = "canceling"
	case b.Status.Final():
		v.Status = "ended"
		if archived := b.Archived(); s.Now().Before(archived) {
			address := s.resultsURL(req, v.ID)
			v.ResultsURL = &address
		} else {
			v.ArchivedAt = instant(archived)
		}
	}
	return v
}

// instant is a time as RFC 3339 writes it; nil for one that has not come.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := instantText(t)
	return &text
}

func instantText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// resultsURL is where the results of a batch are, the way the caller came.
func (s *surface) resultsURL(req *http.Request, name string) string {
	scheme := "http://"
	if s.Caller(req).Secure {
		scheme = "https://"
	}
	mounted, _, _ := strings.Cut(req.URL.Path, messageBatchesPath)
	return scheme + req.Host + mounted + messageBatchesPath + "/" + name + "/results"
}

func (s *surface) answerMessageBatch(w http.ResponseWriter, req *http.Request, b *batches.Batch, err error) error {
	if err != nil {
		return unknownBatch(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, s.showMessageBatch(req, b))
}

func unknownBatch(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return errBatch
	}
	return err
}

// messageBatchOf is the batch that the path names. Code: not_found.
func messageBatchOf(req *http.Request) (id.ID, error) {
	batch, ok := openai.ParseName(prefixMessageBatch, chi.URLParam(req, "messageBatchID"))
	if !ok {
		return id.ID{}, errBatch
	}
	return batch, nil
}

// createMessageBatch takes up a batch, whose requests are in the body.
func (s *surface) createMessageBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	body, err := s.readBatch(w, req)
	if err != nil {
		return err
	}
	lines, n, err := anthropic.BatchLines(body, batches.MaxLines)
	if err != nil {
		return err
	}
	b, err := s.Batches.CreateMessages(req.Context(), who.Principal, &batches.NewMessages{
		Lines: lines, Total: int64(n), Header: headersOf(req, messages.Format), Address: s.Caller(req).Address.String(),
	})
	return s.answerMessageBatch(w, req, &b, err)
}

// readBatch reads the body of a batch. Codes: unsupported_media_type, unsupported_encoding, body_too_large.
func (s *surface) readBatch(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if e := req.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, errCompress
	}
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fault.ErrMediaType
	}
	if req.ContentLength > s.MaxFile {
		w.Header().Set("Connection", "close") // or the server waits for the rest of it
		return nil, fault.ErrTooLarge
	}
	_ = http.NewResponseController(w).SetReadDeadline(s.Now().Add(uploadWithin))
	return readAll(w, req, s.MaxFile)
}

// headersOf are those of the caller's headers that belong to calls of a format; nil where there are none.
func headersOf(req *http.Request, f wire.Format) (out map[string]string) {
	passer, ok := f.(wire.HeaderPasser)
	if !ok {
		return nil
	}
	for _, name := range passer.Passes() {
		if values := req.Header[name]; len(values) > 0 {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = strings.Join(values, ",")
		}
	}
	return out
}

func (s *surface) getMessageBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	return s.withMessageBatch(w, req, who, s.Batches.Get)
}

// cancelMessageBatch asks for the end of a batch; what is under way may still be served.
func (s *surface) cancelMessageBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	return s.withMessageBatch(w, req, who, s.Batches.Cancel)
}

func (s *surface) withMessageBatch(
	w http.ResponseWriter, req *http.Request, who *caller,
	ask func(context.Context, identity.Owner, batches.Protocol, id.ID) (batches.Batch, error),
) error {
	batch, err := messageBatchOf(req)
	if err != nil {
		return err
	}
	b, err := ask(req.Context(), who.owner, batches.Anthropic, batch)
	return s.answerMessageBatch(w, req, &b, err)
}

// deleteMessageBatch forgets a batch that has ended, with its results.
func (s *surface) deleteMessageBatch(w http.ResponseWriter, req *http.Request, who *caller) error {
	batch, err := messageBatchOf(req)
	if err != nil {
		return err
	}
	if err := s.Batches.Delete(req.Context(), who.owner, batch); err != nil {
		return unknownBatch(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, removed{openai.Name(prefixMessageBatch, batch), "message_batch_deleted"})
}

// removed is the answer to a deletion in Anthropic's protocol.
type removed struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// messageBatchResults sends what became of the requests of a batch, one per line.
func (s *surface) messageBatchResults(w http.ResponseWriter, req *http.Request, who *caller) error {
	batch, err := messageBatchOf(req)
	if err != nil {
		return err
	}
	results, err := s.Batches.OpenResults(req.Context(), who.owner, batch)
	if err != nil {
		return unknownBatch(err)
	}
	defer results.Close()
	sendFile(w, req, results, "application/x-jsonl", `attachment; filename="`+openai.Name(prefixMessageBatch, batch)+`_results.jsonl"`)
	return nil
}

func (s *surface) listMessageBatches(w http.ResponseWriter, req *http.Request, who *caller) error {
	t, err := readTurn(req, prefixMessageBatch)
	if err != nil {
		return err
	}
	q := batches.Query{Protocol: batches.Anthropic, After: t.from, Oldest: t.before, Limit: t.limit}
	found, err := s.Batches.List(req.Context(), who.owner, q)
	if err != nil {
		return err
	}
	entries := make([]entry, len(found))
	for i := range found {
		v := s.showMessageBatch(req, &found[i])
		entries[i] = entryOf(v.ID, v)
	}
	return httpx.WriteJSON(w, http.StatusOK, t.page(entries))
}

// turn is how Anthropic's clients turn pages: behind after_id, or before before_id.
type turn struct {
	limit  int
	from   id.ID // zero: the beginning
	before bool
}

// readTurn reads limit, after_id and before_id; the ids begin with a prefix. Codes: invalid_page, invalid_parameter.
func readTurn(req *http.Request, prefix string) (turn, error) {
	q := httpx.QueryOf(req)
	t := turn{limit: q.Int(pageSize, 1, maxPage, "limit")}
	before, after := q.Text("before_id"), q.Text("after_id")
	field, name := "after_id", after
	if before != "" {
		field, name, t.before = "before_id", before, true
	}
	switch {
	case q.Err() != nil:
		return t, q.Err()
	case before != "" && after != "":
		return t, fault.ErrInvalid.Saying("Only one of before_id and after_id may be given").At("before_id")
	case name == "":
		return t, nil
	}
	from, ok := openai.ParseName(prefix, name)
	if !ok {
		return t, fault.ErrInvalid.Saying("This is not the id of an item of the list").At(field)
	}
	t.from = from
	return t, nil
}

// turned is a page of things in Anthropic's protocol.
type turned struct {
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
	FirstID *string           `json:"first_id"`
	LastID  *string           `json:"last_id"`
}

// page is the page that was asked for, of entries that may be one too many, the newest first in any case.
func (t turn) page(entries []entry) turned {
	entries, more := cut(entries, t.limit)
	if t.before {
		slices.Reverse(entries)
	}
	all := listOf(entries, more)
	return turned{all.Data, all.HasMore, all.FirstID, all.LastID}
}
