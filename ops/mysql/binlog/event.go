// Package binlog reads the binlogs of MySQL and MariaDB from files and from a server's
// replication stream: events, row images of every column type, and transactions. The
// format follows each server's own documentation and tools; tests compare with mysqlbinlog
// and mariadb-binlog.
package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Magic is the first four bytes of a binlog file.
var Magic = []byte{0xfe, 'b', 'i', 'n'}

// headerSize is the length of the common event header, in bytes.
const headerSize = 19

// checksumSize is the length of the optional CRC32 at the end of an event, in bytes.
const checksumSize = 4

// Type is the type code of an event.
type Type byte

// Event types of MySQL and MariaDB.
const (
	TypeQuery             Type = 2
	TypeStop              Type = 3
	TypeRotate            Type = 4
	TypeIntvar            Type = 5
	TypeRand              Type = 13
	TypeUserVar           Type = 14
	TypeFormat            Type = 15
	TypeXID               Type = 16
	TypeBeginLoad         Type = 17
	TypeExecuteLoad       Type = 18
	TypeTableMap          Type = 19
	TypeWriteRowsV1       Type = 23
	TypeUpdateRowsV1      Type = 24
	TypeDeleteRowsV1      Type = 25
	TypeIncident          Type = 26
	TypeHeartbeat         Type = 27
	TypeRowsQuery         Type = 29
	TypeWriteRows         Type = 30
	TypeUpdateRows        Type = 31
	TypeDeleteRows        Type = 32
	TypeGTID              Type = 33
	TypeAnonymousGTID     Type = 34
	TypePreviousGTIDs     Type = 35
	TypeXAPrepare         Type = 38
	TypePartialUpdateRows Type = 39
	TypePayload           Type = 40
	TypeHeartbeatV2       Type = 41
	TypeGTIDTagged        Type = 42
	TypeAnnotateRows      Type = 160
	TypeMariaGTID         Type = 162
	TypeMariaGTIDList     Type = 163
	TypeStartEncryption   Type = 164
	TypeQueryCompressed   Type = 165
	TypeWriteRowsComp1    Type = 166
	TypeUpdateRowsComp1   Type = 167
	TypeDeleteRowsComp1   Type = 168
	TypeWriteRowsComp2    Type = 169
	TypeUpdateRowsComp2   Type = 170
	TypeDeleteRowsComp2   Type = 171
)

// flagArtificial marks an event that the server generated for the stream and that is in no
// file.
const flagArtificial = 0x20

// flagInUse, in the format description event, marks a file that is open for writing or
// that a crash left unclosed. inUseAt is the offset in the header of the byte that holds
// it.
const (
	flagInUse = 0x01
	inUseAt   = 17
)

// ErrDamaged reports bytes that violate the binlog format.
var ErrDamaged = errors.New("damaged binary log")

// Event is one event: its header fields and its raw bytes as stored in the file.
type Event struct {
	Raw       []byte // the whole event, checksum included
	Timestamp uint32 // seconds since 1970, of the statement's start
	Type      Type
	ServerID  uint32
	LogPos    uint32 // end position of the event in its file, modulo 2^32; 0 inside a payload
	Flags     uint16
	sum       bool // it ends with a checksum
}

// parseHeader parses the header at the start of raw; size is the length of the whole
// event.
func parseHeader(raw []byte) (e Event, size uint32, err error) {
	if len(raw) < headerSize {
		return e, 0, fmt.Errorf("%w: an event of %d bytes", ErrDamaged, len(raw))
	}
	e.Timestamp = binary.LittleEndian.Uint32(raw)
	e.Type = Type(raw[4])
	e.ServerID = binary.LittleEndian.Uint32(raw[5:])
	size = binary.LittleEndian.Uint32(raw[9:])
	e.LogPos = binary.LittleEndian.Uint32(raw[13:])
	e.Flags = binary.LittleEndian.Uint16(raw[17:])
	if size < headerSize {
		return e, 0, fmt.Errorf("%w: an event says that it has %d bytes", ErrDamaged, size)
	}
	return e, size, nil
}

// Time is the start time of the event's statement by the server's clock.
func (e *Event) Time() time.Time { return time.Unix(int64(e.Timestamp), 0) }

// Artificial reports whether the server generated the event for the stream only.
func (e *Event) Artificial() bool { return e.Flags&flagArtificial != 0 }

// body is the part after the header, without the checksum.
func (e *Event) body() []byte {
	if e.sum {
		return e.Raw[headerSize : len(e.Raw)-checksumSize]
	}
	return e.Raw[headerSize:]
}

// verify checks the event's checksum if it has one.
func (e *Event) verify() error {
	if !e.sum {
		return nil
	}
	if len(e.Raw) < headerSize+checksumSize || !sumOK(e.Raw) {
		return fmt.Errorf("%w: the checksum of an event of type %d does not match", ErrDamaged, e.Type)
	}
	return nil
}

// sumOK reports whether raw ends with the CRC32 of the bytes before it.
func sumOK(raw []byte) bool {
	if len(raw) < checksumSize {
		return false
	}
	end := len(raw) - checksumSize
	return checksum(raw[:end]) == binary.LittleEndian.Uint32(raw[end:])
}

// checksum is the checksum at the end of an event.
func checksum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// isRows reports whether the event holds row images.
func (e *Event) isRows() bool {
	switch e.Type {
	case TypeWriteRowsV1, TypeUpdateRowsV1, TypeDeleteRowsV1, TypeWriteRows, TypeUpdateRows, TypeDeleteRows,
		TypePartialUpdateRows, TypeWriteRowsComp1, TypeUpdateRowsComp1, TypeDeleteRowsComp1, TypeWriteRowsComp2,
		TypeUpdateRowsComp2, TypeDeleteRowsComp2:
		return true
	}
	return false
}
