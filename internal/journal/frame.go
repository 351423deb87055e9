package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A frame is what one commit writes: all entries that share its fate, under one checksum.
//
//	magic(4) length(4) crc32c(4) offset(8) durable(8) entry…
//	entry = kind(1) length(4) bytes
//
// Offset is the frame's place in the whole journal, so that bytes of an older file can never pass for a frame. Durable is
// the offset below which everything was on the disk when the frame was written: a frame that cannot be read was cut by a
// crash unless a later one says that it was durable, and then the disk has failed.
const (
	frameHeader = 28
	entryHeader = 5
	maxFrame    = 1 << 30
)

var (
	frameMagic = []byte("GJ2\n")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// sealFrame fills in the header that the first chunk of a frame begins with.
func sealFrame(offset, durable int64, chunks ...[]byte) {
	head, size := chunks[0], 0
	binary.LittleEndian.PutUint64(head[12:], uint64(offset))  //nolint:gosec // not negative
	binary.LittleEndian.PutUint64(head[20:], uint64(durable)) //nolint:gosec // not negative
	sum := crc32.Update(0, castagnoli, head[12:])
	for i, b := range chunks {
		size += len(b)
		if i > 0 {
			sum = crc32.Update(sum, castagnoli, b)
		}
	}
	copy(head, frameMagic)
	binary.LittleEndian.PutUint32(head[4:], uint32(size-frameHeader)) //nolint:gosec // below maxFrame
	binary.LittleEndian.PutUint32(head[8:], sum)
}

// openFrame returns the entries of the frame at the beginning of b and the frame's length; nil when there is no frame
// that belongs at the offset.
func openFrame(b []byte, offset int64) (entries []byte, length int) {
	if len(b) < frameHeader || !bytes.Equal(b[:4], frameMagic) {
		return nil, 0
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n > maxFrame || n > len(b)-frameHeader || binary.LittleEndian.Uint64(b[12:]) != uint64(offset) { //nolint:gosec // not negative
		return nil, 0
	}
	if crc32.Checksum(b[12:frameHeader+n], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return nil, 0
	}
	return b[frameHeader : frameHeader+n], frameHeader + n
}

// nextFrame looks for a whole frame behind a place where there is none.
func nextFrame(b []byte, offset int64) (at int, found bool) {
	for at = 1; at < len(b); at++ {
		i := bytes.Index(b[at:], frameMagic)
		if i < 0 {
			return 0, false
		}
		at += i
		if _, n := openFrame(b[at:], offset+int64(at)); n > 0 {
			return at, true
		}
	}
	return 0, false
}

// wasDurable reports whether a frame behind a place where there is none says that the place was durable, and where that
// frame is. Then the journal is corrupt.
func wasDurable(b []byte, offset int64) (at int, was bool) {
	for {
		n, found := nextFrame(b[at:], offset+int64(at))
		if !found {
			return 0, false
		}
		at += n
		if durable := int64(binary.LittleEndian.Uint64(b[at+20:])); durable > offset { //nolint:gosec // written by sealFrame
			return at, true
		}
	}
}

// beginEntry appends an entry's header; endEntry fills in its length once the bytes are there.
func beginEntry(b []byte, k kind) ([]byte, int) {
	b = append(b, byte(k), 0, 0, 0, 0)
	return b, len(b)
}

func endEntry(b []byte, start int) {
	binary.LittleEndian.PutUint32(b[start-4:], uint32(len(b)-start)) //nolint:gosec // below maxFrame
}

// eachEntry calls f for every entry of a frame.
func eachEntry(entries []byte, f func(kind, *reader) error) error {
	for len(entries) > 0 {
		if len(entries) < entryHeader {
			return errShort
		}
		k, n := kind(entries[0]), int(binary.LittleEndian.Uint32(entries[1:]))
		if n > len(entries)-entryHeader {
			return errShort
		}
		r := &reader{b: entries[entryHeader : entryHeader+n]}
		if err := f(k, r); err != nil {
			return err
		}
		if err := r.end(); err != nil {
			return fmt.Errorf("entry of kind %d: %w", k, err)
		}
		entries = entries[entryHeader+n:]
	}
	return nil
}
