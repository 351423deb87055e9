package relay

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// hungry is a body that says to be large and is not; it remembers the largest buffer that it was offered.
type hungry struct {
	left, offered int
}

func (h *hungry) Read(p []byte) (int, error) {
	h.offered = max(h.offered, len(p))
	if h.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), h.left)
	h.left -= n
	return n, nil
}

func TestBodiesTakeMemoryAsTheyCome(t *testing.T) {
	t.Parallel()
	short := &hungry{left: 100}
	if body, err := readSized(short, 32<<20); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 100 || short.offered > 8<<20 {
		t.Errorf("%d bytes in a buffer of %d (%v)", len(body), short.offered, err)
	}
	for _, size := range []int{1, 8 << 20, 8<<20 + 1, 31<<20 + 7} {
		want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		body, err := readSized(bytes.NewReader(want), int64(size))
		if err != nil || !bytes.Equal(body, want) {
			t.Errorf("%d: %d bytes (%v)", size, len(body), err)
		}
	}
}

func TestConversationsAreAsLongAsTheirProtocolAllows(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		format     wire.Format
		body, want int64
		media      int64
	}{
		{anthropic.Messages, 8 << 20, 32 << 20, 64 << 20},
		{anthropic.Messages, 8 << 20, 16 << 20, 16 << 20},
		{anthropic.Messages, 40 << 20, 40 << 20, 64 << 20},
		{gemini.Generate{}, 8 << 20, 20 << 20, 64 << 20},
		{openai.Chat, 8 << 20, 8 << 20, 64 << 20},
		{openai.VideoGenerations, 8 << 20, 64 << 20, 64 << 20},
	} {
		c := &call{Relay: &Relay{limits: Limits{MaxBody: one.body, MaxMediaBody: one.media}}, op: Operation{Format: one.format}}
		if got := c.maxBody(); got != one.want {
			t.Errorf("%s of %d and %d: %d, want %d", one.format.Kind(), one.body, one.media, got, one.want)
		}
		req := httptest.NewRequest(http.MethodPost, "/", &hungry{left: int(one.want) + 1})
		if _, err := readBody(httptest.NewRecorder(), req, c.maxBody()); !errors.Is(err, fault.ErrTooLarge) {
			t.Errorf("%s beyond that: %v", one.format.Kind(), err)
		}
	}
}
