// Texts as users, files and hosts give them, made safe to store and to show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace driftwave::shim {

/// [ui] Valid UTF-8 of at most `max_bytes`, cut between characters; control characters become
/// spaces, invalid bytes are left out.
std::string clean_text(std::string_view text, std::size_t max_bytes);

/// [ui] Standard base64 with padding.
std::string to_base64(std::span<const std::uint8_t> bytes);

/// [ui] Ignores line breaks and spaces; nothing when another character or a wrong length is met.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace driftwave::shim
