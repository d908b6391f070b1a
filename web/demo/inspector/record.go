//go:build js && wasm

package main

import (
	"encoding/hex"
	"strconv"
	"syscall/js"
	"time"

	"idbvault/envelope"
)

// shown is how many bytes of a ciphertext are shown.
const shown = 16

// record is a stored record as far as it can be read without a key.
type record struct {
	key    string // as in the store `records`
	store  string // of the application
	name   []byte // HMAC of the record's name
	header envelope.Header
	size   int
	parts  []part
	err    error // why the rest is empty
}

// part is one ciphertext of a record.
type part struct {
	label  string
	buffer js.Value
	start  int // where the ciphertext begins in it
}

func (p part) bytes() []byte {
	b := front(p.buffer, p.start+shown)
	return b[min(p.start, len(b)):]
}

func parse(key string, e entry) record {
	r := record{key: key, size: sizeOf(e.record)}
	if r.store, r.name, r.err = envelope.ParseRecordKey([]byte(key)); r.err != nil {
		return r
	}
	if r.header, r.err = envelope.ParseHeader(front(e.record, envelope.MaxHeaderSize+envelope.TagSize)); r.err != nil {
		return r
	}
	if r.header.Layout != envelope.Whole {
		r.size += int(r.header.Length) + envelope.TagSize
	}
	r.parts = []part{{"ciphertext", e.record, r.header.Size()}}
	if r.header.Layout != envelope.Whole {
		r.parts[0].label = "head"
	}
	if r.header.Layout == envelope.Split {
		r.parts = append(r.parts, part{"value", e.chunk, 0})
	}
	return r
}

// chunkKeyOf returns the key in `chunks` of the value of a record, or nil for what is no record's key.
func chunkKeyOf(key string) []byte {
	place, name, err := envelope.ParseRecordKey([]byte(key))
	if err != nil {
		return nil
	}
	return envelope.ChunkKey(place, name)
}

// short is a name of 32 bytes as one line of a phone shows it.
func short(name []byte) string {
	text := hex.EncodeToString(name)
	if len(text) <= 20 {
		return text
	}
	return text[:12] + "…" + text[len(text)-6:]
}

func layout(l envelope.Layout) string {
	switch l {
	case envelope.Split:
		return "split"
	case envelope.Chunked:
		return "chunked"
	}
	return "whole"
}

func expiry(seconds uint64) string {
	if seconds == 0 {
		return "never"
	}
	return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02 15:04 UTC")
}

// thousands writes a number with its digits in groups of three.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
