package openai

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// maxTranscript bounds what is read of a transcript that was to be a stream.
const maxTranscript = 16 << 20

// streamed makes events of a transcript that comes whole although a stream was asked for: whisper-1 pays no heed to that.
func streamed(resp *http.Response) *http.Response {
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return resp
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTranscript))
	_ = resp.Body.Close()
	var said struct {
		Text  string          `json:"text"`
		Usage json.RawMessage `json:"usage"`
	}
	if err == nil && json.Unmarshal(body, &said) == nil {
		body = appendTranscript(nil, said.Text, said.Usage)
	}
	resp.Header.Set("Content-Type", "text/event-stream")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Body = -1, io.NopCloser(bytes.NewReader(body))
	return resp
}

// appendTranscript writes all of a text as one event, and what completes it as another.
func appendTranscript(b []byte, text string, usage json.RawMessage) []byte {
	b = append(b, "event: transcript.text.delta\ndata: {\"type\":\"transcript.text.delta\",\"delta\":"...)
	b = append(jsondoc.AppendString(b, text), "}\n\n"...)
	b = append(b, "event: transcript.text.done\ndata: {\"type\":\"transcript.text.done\",\"text\":"...)
	b = jsondoc.AppendString(b, text)
	if len(usage) > 0 {
		b = append(append(b, `,"usage":`...), bytes.ReplaceAll(usage, []byte("\n"), []byte(" "))...)
	}
	return append(b, "}\n\n"...)
}
