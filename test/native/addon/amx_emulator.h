// AMX by a SIGILL handler, for machines without it: see amx_emulator.cc.
#pragma once
#include <cstdint>

namespace flow_test {

enum AmxOperation { kTileConfig, kTileRelease, kTileZero, kTileLoad, kTileStore, kTileDot, kAmxOperations };

bool emulate_amx();  // installs the handler, once; false where there is no such thing
int64_t amx_count(AmxOperation which);
int64_t amx_faults();           // what hardware would have refused
const char* amx_first_fault();  // in words, or empty
// Runs sequences whose result is known on emulated tiles (never call it where the tiles are real): the first mistake in words, or empty. Counts no faults.
const char* check_emulator();
bool amx_configured();  // whether the calling thread has left its tiles configured

}  // namespace flow_test
