package protocols

import (
	"errors"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/files"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// inEither lets a handler serve clients of Anthropic's, who say so, at a path that others use, too.
func inEither(serve http.HandlerFunc) http.HandlerFunc {
	anthropics := asAnthropic(serve)
	return func(w http.ResponseWriter, req *http.Request) {
		if speaksAnthropic(req) {
			anthropics(w, req)
			return
		}
		serve(w, req)
	}
}

// messageFileView is a file as Anthropic's protocol shows it.
type messageFileView struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Filename     string `json:"filename"`
	MediaType    string `json:"mime_type"`
	Size         int64  `json:"size_bytes"`
	CreatedAt    string `json:"created_at"`
	ExpiresAt    string `json:"expires_at"`
	Downloadable bool   `json:"downloadable"`
}

func showMessageFile(f *files.File) messageFileView {
	return messageFileView{
		ID: openai.Name(openai.PrefixMessageFile, f.ID), Type: "file", Filename: f.Name, MediaType: f.MediaType, Size: f.Size,
		CreatedAt: instantText(f.CreatedAt), ExpiresAt: instantText(f.ExpiresAt), Downloadable: true,
	}
}

// answerFile shows a file in the caller's protocol.
func answerFile(w http.ResponseWriter, req *http.Request, f *files.File) error {
	if speaksAnthropic(req) {
		return httpx.WriteJSON(w, http.StatusOK, showMessageFile(f))
	}
	return httpx.WriteJSON(w, http.StatusOK, showFile(f))
}

// prefixPage begins the cursors of lists that newer clients of Anthropic's turn by next_page.
const prefixPage = "page_"

// filePage is a page of files, for clients that turn pages by the last id and for those that do by next_page.
type filePage struct {
	turned

	NextPage *string `json:"next_page"`
}

// listMessageFiles lists the caller's files as Anthropic's clients turn pages.
func (s *surface) listMessageFiles(w http.ResponseWriter, req *http.Request, who *caller) error {
	query := req.URL.Query()
	if names := slices.Concat(query["ids[]"], query["ids"]); len(names) > 0 {
		return s.listNamedFiles(w, req, who, names)
	}
	if query.Get("scope_id") != "" { // nobody's
		return httpx.WriteJSON(w, http.StatusOK, filePage{turned: turn{}.page(nil)})
	}
	t, err := fileTurn(req)
	if err != nil {
		return err
	}
	found, err := s.Files.List(req.Context(), who.owner, files.Query{After: t.from, Oldest: t.before, Limit: t.limit})
	if err != nil {
		return err
	}
	out := filePage{turned: t.page(messageFiles(found))}
	if out.HasMore && !t.before {
		next := prefixPage + found[t.limit-1].ID.Compact()
		out.NextPage = &next
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// fileTurn reads which page is wanted, by whichever of the ways.
func fileTurn(req *http.Request) (turn, error) {
	t, err := readTurn(req, openai.PrefixMessageFile)
	at := req.URL.Query().Get("page")
	if err != nil || at == "" {
		return t, err
	}
	from, ok := openai.ParseName(prefixPage, at)
	if !ok || !t.from.IsZero() {
		return t, fault.ErrInvalid.Saying("This is not the next_page of a list").At("page")
	}
	t.from = from
	return t, nil
}

func messageFiles(found []files.File) []entry {
	entries := make([]entry, len(found))
	for i := range found {
		v := showMessageFile(&found[i])
		entries[i] = entryOf(v.ID, v)
	}
	return entries
}

// maxNamed is how many files a list may be asked for by their names.
const maxNamed = 100

// listNamedFiles lists those of the named files that are the caller's.
func (s *surface) listNamedFiles(w http.ResponseWriter, req *http.Request, who *caller, names []string) error {
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxNamed {
		return fault.ErrInvalid.Saying("List should have at most 100 items").At("ids")
	}
	var found []files.File
	for _, name := range names {
		file, ok := openai.ParseFile(name)
		if !ok {
			continue
		}
		f, err := s.Files.Get(req.Context(), who.owner, file)
		switch {
		case err == nil:
			found = append(found, f)
		case !errors.Is(err, fault.ErrNotFound):
			return err
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, filePage{turned: turn{limit: len(found)}.page(messageFiles(found))})
}
