// The mark of a function that the audio thread may call.
//
// Clang 20 and later check the promise at compile time (-Wfunction-effects) and at run time
// (-fsanitize=realtime); other compilers read an empty word.
#pragma once

#if defined(__clang__) && __clang_major__ >= 20
#define RT_NONBLOCKING [[clang::nonblocking]]
#else
#define RT_NONBLOCKING
#endif
