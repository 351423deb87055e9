package journal

import (
	"bytes"
	"testing"
)

// FuzzFrames reads a disk that somebody wrote to: a frame is believed only where its checksum and its place are right, what
// is believed lies inside, and looking for what was durable ends.
func FuzzFrames(f *testing.F) {
	head, entry := make([]byte, frameHeader), []byte{byte(kindMark), 1, 0, 0, 0, 7}
	sealFrame(64, 0, head, entry)
	f.Add(append(append([]byte("rubbish"), head...), entry...), int64(57))
	f.Add(append(append([]byte{}, head...), entry...), int64(64))
	f.Add(bytes.Repeat(frameMagic, 8), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, offset int64) {
		offset = max(0, offset>>1)
		entries, length := openFrame(b, offset)
		if length > len(b) || len(entries) != max(0, length-frameHeader) {
			t.Fatalf("%d bytes of %d hold %d", length, len(b), len(entries))
		}
		read := 0
		err := eachEntry(entries, func(_ kind, r *reader) error {
			read += entryHeader + len(r.b)
			r.take(len(r.b))
			return r.err
		})
		if read > len(entries) || err == nil && read != len(entries) {
			t.Errorf("%d bytes of %d: %v", read, len(entries), err)
		}
		if at, found := nextFrame(b, offset); found && (at < 1 || at >= len(b)) {
			t.Errorf("a frame at %d of %d", at, len(b))
		}
		if at, was := wasDurable(b, offset); was && (at < 1 || at >= len(b)) {
			t.Errorf("durable at %d of %d", at, len(b))
		}
	})
}
