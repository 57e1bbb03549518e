// Colours and measures of the editor, in logical pixels of a 980 x 720 picture.
#pragma once

#include <array>

#include "NanoVG.hpp"

namespace driftwave::editor {

using DGL_NAMESPACE::Color;

inline constexpr float kBaseWidth = 980.0f;
inline constexpr float kBaseHeight = 720.0f;
inline constexpr float kMargin = 16.0f;
inline constexpr float kGap = 10.0f;
inline constexpr float kRound = 7.0f;

inline constexpr float kTextSmall = 11.0f;
inline constexpr float kTextNormal = 13.0f;
inline constexpr float kTextLarge = 16.0f;

inline const Color kBackground(17, 19, 24);
inline const Color kPanel(25, 28, 36);
inline const Color kRaised(37, 41, 52);
inline const Color kRaisedHover(47, 52, 66);
inline const Color kLine(54, 60, 75);
inline const Color kText(232, 235, 242);
inline const Color kTextDim(146, 154, 173);
inline const Color kTextFaint(96, 104, 122);
inline const Color kAccent(64, 214, 196);  // what was understood, what is active
inline const Color kAccentDark(20, 92, 88);
inline const Color kWarning(255, 176, 84);  // words that decided nothing, an engine that is away
inline const Color kError(255, 107, 107);
inline const Color kGood(120, 220, 130);

/// Colours of the choke groups 1-4.
inline const std::array<Color, 4> kChoke = {Color(255, 123, 137), Color(255, 196, 87),
                                            Color(172, 142, 255), Color(98, 176, 255)};

/// The colour with another opacity 0..1. [ui]
inline Color faded(Color color, float alpha) {
  color.alpha = alpha;
  return color;
}

/// Between a (0) and b (1). [ui]
inline Color mixed(const Color& a, const Color& b, float amount) {
  return Color(a.red + (b.red - a.red) * amount, a.green + (b.green - a.green) * amount,
               a.blue + (b.blue - a.blue) * amount, a.alpha + (b.alpha - a.alpha) * amount);
}

}  // namespace driftwave::editor
