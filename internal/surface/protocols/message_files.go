package protocols

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/files"
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
	Downloadable bool   `json:"downloadable"`
}

func showMessageFile(f *files.File) messageFileView {
	return messageFileView{
		ID: openai.Name(openai.PrefixMessageFile, f.ID), Type: "file", Filename: f.Name, MediaType: f.MediaType, Size: f.Size,
		CreatedAt: *instant(f.CreatedAt), Downloadable: true,
	}
}

// answerFile shows a file in the caller's protocol.
func answerFile(w http.ResponseWriter, req *http.Request, f *files.File) error {
	if speaksAnthropic(req) {
		return httpx.WriteJSON(w, http.StatusOK, showMessageFile(f))
	}
	return httpx.WriteJSON(w, http.StatusOK, showFile(f))
}

// listMessageFiles lists the caller's files as Anthropic's clients turn pages.
func (s *surface) listMessageFiles(w http.ResponseWriter, req *http.Request, who *caller) error {
	t, err := readTurn(req, openai.PrefixMessageFile)
	if err != nil {
		return err
	}
	found, err := s.Files.List(req.Context(), who.owner, files.Query{After: t.from, Oldest: t.before, Limit: t.limit})
	if err != nil {
		return err
	}
	entries := make([]entry, len(found))
	for i := range found {
		v := showMessageFile(&found[i])
		entries[i] = entryOf(v.ID, v)
	}
	return httpx.WriteJSON(w, http.StatusOK, t.page(entries))
}
