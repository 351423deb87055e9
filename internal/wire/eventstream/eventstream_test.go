package eventstream

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The frames that AWS publishes with its own libraries.
var published = map[string]struct {
	frame   []byte
	payload string
}{
	"empty":        {unhex("00000010 00000000 05c248eb 7d98c8ff"), ""},
	"no headers":   {unhex("0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"), `{'foo':'bar'}`},
	"32 bit":       {unhex("0000002d 00000010 41c424b8 0a6576656e742d74797065 04 0000a00c 7b27666f6f273a27626172277d 36f480a0"), `{'foo':'bar'}`},
	"content type": {unhex("0000003d 00000020 07fd8396 0c636f6e74656e742d74797065 07 0010 6170706c69636174696f6e2f6a736f6e 7b27666f6f273a27626172277d 8d9c08b1"), `{'foo':'bar'}`},
}

func TestPublishedFrames(t *testing.T) {
	t.Parallel()
	for name, c := range published {
		r := NewReader(bytes.NewReader(c.frame), 1<<20)
		m, err := r.Next()
		if err != nil || string(m.Payload) != c.payload {
			t.Errorf("%s: %q, %v", name, m.Payload, err)
		}
		if want := map[string]string{"content type": "application/json"}[name]; m.Text("content-type") != want || m.Text("event-type") != "" {
			t.Errorf("%s: %q", name, m.Text("content-type"))
		}
		if _, err := r.Next(); err != io.EOF { //nolint:errorlint // io.EOF itself is promised
			t.Errorf("%s: then %v", name, err)
		}
	}
}

func TestFramesThatAreNone(t *testing.T) {
	t.Parallel()
	good := published["content type"].frame
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if m, err := NewReader(bytes.NewReader(bad), 1<<20).Next(); !errors.Is(err, ErrFrame) {
			t.Errorf("byte %d is another: %q, %v", i, m.Payload, err)
		}
		_, err := NewReader(bytes.NewReader(good[:i]), 1<<20).Next()
		if i == 0 && err != io.EOF || i > 0 && !errors.Is(err, io.ErrUnexpectedEOF) { //nolint:errorlint // as above
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := NewReader(bytes.NewReader(good), len(good)-1).Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("longer than allowed: %v", err)
	}
}

// framed frames bytes with checksums that are right, so that only their meaning can be wrong.
func framed(total, headers uint32, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, total)
	b = binary.BigEndian.AppendUint32(b, headers)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, rest...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestHeadersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]string{
		"no name": "00 00", "a name that is cut": "05 61", "an unknown type": "01 61 0a", "a text without length": "01 61 07 00",
		"a text that is cut": "01 61 07 0005 62", "a number that is cut": "01 61 04 00",
	} {
		h := unhex(headers)
		frame := framed(uint32(minimal+len(h)), uint32(len(h)), h)
		if _, err := NewReader(bytes.NewReader(frame), 1<<20).Next(); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, frame := range map[string][]byte{
		"shorter than nothing": framed(15, 0, nil), "more headers than frame": framed(16, 1, nil), "huge": framed(0xffffffff, 0, nil),
	} {
		if _, err := NewReader(bytes.NewReader(frame), 1<<20).Next(); err == nil {
			t.Errorf("%s is a frame", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	var all []byte
	for _, c := range published {
		f.Add(c.frame)
		all = append(all, c.frame...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), 1<<16)
		read := 0
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			read += minimal + len(m.headers) + len(m.Payload)
			_ = m.Text(":event-type")
		}
		if read > len(b) {
			t.Errorf("%d bytes of %d", read, len(b))
		}
	})
}
