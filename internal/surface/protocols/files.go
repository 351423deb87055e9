package protocols

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Files keeps what callers bring; *files.Service is it.
type Files interface {
	// Create keeps a file. Codes: invalid_parameter, file_too_large, storage_quota_exceeded, storage_unavailable.
	Create(ctx context.Context, o identity.Owner, n *files.New) (files.File, error)
	// Get, Open and Delete are about one file of the owner's. Code: not_found.
	Get(ctx context.Context, o identity.Owner, file id.ID) (files.File, error)
	Open(ctx context.Context, o identity.Owner, file id.ID) (files.File, io.ReadSeekCloser, error)
	Delete(ctx context.Context, o identity.Owner, file id.ID) error
	// List returns one file more than asked for where there are more.
	List(ctx context.Context, o identity.Owner, q files.Query) ([]files.File, error)
}

var errFile = fault.ErrNotFound.Saying("There is no such file, or it has expired.")

// filesScope is what a key needs for files: what it needs to look back at what it has done.
const filesScope = identity.ScopeTasks

// mountFiles adds the files that callers bring.
func (s *surface) mountFiles(r chi.Router) {
	const one = "/v1/files/{fileID}"
	r.Post("/v1/files", inEither(s.owned(filesScope, s.createFile)))
	r.Get("/v1/files", inEither(s.owned(filesScope, s.listFiles)))
	r.Get(one, inEither(s.owned(filesScope, s.getFile)))
	r.Delete(one, inEither(s.owned(filesScope, s.deleteFile)))
	r.Get(one+"/content", inEither(s.owned(filesScope, s.fileContent)))
}

// fileView is a file as the protocol shows it.
type fileView struct {
	ID        string        `json:"id"`
	Object    string        `json:"object"`
	Bytes     int64         `json:"bytes"`
	CreatedAt int64         `json:"created_at"`
	ExpiresAt int64         `json:"expires_at"`
	Filename  string        `json:"filename"`
	Purpose   files.Purpose `json:"purpose"`
	Status    string        `json:"status"`
}

func showFile(f *files.File) fileView {
	return fileView{
		ID: openai.Name(openai.PrefixFile, f.ID), Object: "file", Bytes: f.Size, CreatedAt: f.CreatedAt.Unix(),
		ExpiresAt: f.ExpiresAt.Unix(), Filename: f.Name, Purpose: f.Purpose, Status: "processed",
	}
}

// fileOf is the file that the path names. Code: not_found.
func fileOf(req *http.Request) (id.ID, error) {
	file, ok := openai.ParseFile(chi.URLParam(req, "fileID"))
	if !ok {
		return id.ID{}, errFile
	}
	return file, nil
}

func unknownFile(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return errFile
	}
	return err
}

func (s *surface) createFile(w http.ResponseWriter, req *http.Request, who *caller) error {
	n, err := s.readUpload(w, req)
	if err != nil {
		return err
	}
	f, err := s.Files.Create(req.Context(), who.owner, n)
	if err != nil {
		return err
	}
	return answerFile(w, req, &f)
}

func (s *surface) listFiles(w http.ResponseWriter, req *http.Request, who *caller) error {
	if speaksAnthropic(req) {
		return s.listMessageFiles(w, req, who)
	}
	const most = 10_000
	p, err := readPage(req, most)
	if err != nil {
		return err
	}
	query := httpx.QueryOf(req)
	q := files.Query{Purpose: files.Purpose(query.Text("purpose")), Oldest: p.asc, Limit: p.limit}
	if err := query.Err(); err != nil {
		return err
	}
	if q.After, err = p.behind(openai.PrefixFile); err != nil {
		return err
	}
	found, err := s.Files.List(req.Context(), who.owner, q)
	if err != nil {
		return err
	}
	return writePage(w, found, p.limit, func(f *files.File) entry { v := showFile(f); return entryOf(v.ID, v) })
}

// writePage answers with a page of what was found, which may be one too many.
func writePage[T any](w http.ResponseWriter, found []T, limit int, show func(*T) entry) error {
	entries := make([]entry, len(found))
	for i := range found {
		entries[i] = show(&found[i])
	}
	return httpx.WriteJSON(w, http.StatusOK, listOf(cut(entries, limit)))
}

// entryOf is something of texts and numbers as an entry of a list.
func entryOf(name string, v any) entry {
	body, _ := json.Marshal(v) //nolint:errchkjson // texts and numbers
	return entry{name, body}
}

// cut is a page of entries that may be one too many, which says that there are more.
func cut(entries []entry, limit int) ([]entry, bool) {
	n := min(limit, len(entries))
	return entries[:n], n < len(entries)
}

// behind is the thing behind which a list goes on. Code: invalid_parameter.
func (p page) behind(prefix string) (id.ID, error) {
	if p.after == "" {
		return id.ID{}, nil
	}
	after, ok := openai.ParseName(prefix, p.after)
	if !ok {
		return id.ID{}, errAfter
	}
	return after, nil
}

func (s *surface) getFile(w http.ResponseWriter, req *http.Request, who *caller) error {
	file, err := fileOf(req)
	if err != nil {
		return err
	}
	f, err := s.Files.Get(req.Context(), who.owner, file)
	if err != nil {
		return unknownFile(err)
	}
	return answerFile(w, req, &f)
}

func (s *surface) deleteFile(w http.ResponseWriter, req *http.Request, who *caller) error {
	file, err := fileOf(req)
	if err != nil {
		return err
	}
	if err := s.Files.Delete(req.Context(), who.owner, file); err != nil {
		return unknownFile(err)
	}
	if speaksAnthropic(req) {
		return httpx.WriteJSON(w, http.StatusOK, removed{openai.Name(openai.PrefixMessageFile, file), "file_deleted"})
	}
	return httpx.WriteJSON(w, http.StatusOK, deleted{openai.Name(openai.PrefixFile, file), "file", true})
}

// fileContent sends a file as something to save: whatever is in it, no browser runs it.
func (s *surface) fileContent(w http.ResponseWriter, req *http.Request, who *caller) error {
	file, err := fileOf(req)
	if err != nil {
		return err
	}
	f, content, err := s.Files.Open(req.Context(), who.owner, file)
	if err != nil {
		return unknownFile(err)
	}
	defer content.Close()
	sendFile(w, req, content, "application/octet-stream", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	return nil
}

// sendFile sends bytes that are a caller's or were made for one, whole or a part of them.
func sendFile(w http.ResponseWriter, req *http.Request, content io.ReadSeeker, contentType, disposition string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-store")
	if len(req.Header.Get("Range")) > maxRange {
		req.Header.Del("Range")
	}
	http.ServeContent(w, req, "", noTime, content)
}
