// A CLAP host driven by one command a line on standard input; each is answered by one line,
// "ok …" or "no …", on standard output.
//
//   create [nolatency] [noparams]      a new instance, which becomes the current one
//   use N · destroy N                  instances count from 0 and keep their numbers
//   activate RATE MOST · deactivate
//   info · count · latency · get ID · text ID VALUE · channels · flushes
//   set ID VALUE [FRAME] · flush · transport PLAYING BPM FRAME BEATS UNIT
//   on KEY VELOCITY [FRAME] · off KEY [FRAME] · midi A B C [FRAME]
//   render FRAMES LEAST MOST SEED FILE   appends interleaved stereo float32
//   run FRAMES LEAST MOST SEED           the same without a file; answers the peak
//   save FILE CHUNK · load FILE CHUNK · quit

#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "instance.h"

namespace driftwave::host {
namespace {

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Session {
 public:
  explicit Session(const std::string& path) : module_(path) {}

  /// The answer to one command line.
  std::string answer(const std::string& line) {
    std::istringstream in(line);
    std::string command;
    in >> command;
    if (command == "create") return create(in);
    if (command == "use") {
      in >> current_;
      return instances_.contains(current_) ? "ok" : "no instance";
    }
    if (command == "destroy") {
      std::size_t number = 0;
      in >> number;
      return instances_.erase(number) == 1 ? "ok" : "no instance";
    }
    const auto found = instances_.find(current_);
    if (found == instances_.end()) return "no instance";
    return instance_answer(*found->second, command, in);
  }

 private:
  std::string create(std::istringstream& in) {
    HostOffers offers;
    for (std::string word; in >> word;) {
      if (word == "nolatency") offers.latency = false;
      if (word == "noparams") offers.params = false;
    }
    current_ = next_++;
    instances_[current_] = std::make_unique<Instance>(module_, offers);
    return "ok " + std::to_string(current_);
  }

  std::string instance_answer(Instance& instance, const std::string& command,
                              std::istringstream& in) {
    if (command == "activate") {
      double rate = 0.0;
      std::uint32_t most = 0;
      in >> rate >> most;
      instance.activate(rate, most);
      return "ok";
    }
    if (command == "deactivate") {
      instance.deactivate();
      return "ok";
    }
    if (command == "count") return "ok " + std::to_string(instance.parameter_count());
    if (command == "latency") return "ok " + std::to_string(instance.latency());
    if (command == "channels") return "ok " + std::to_string(instance.output_channels());
    if (command == "flushes") return "ok " + std::to_string(instance.flush_requests());
    if (command == "render" || command == "run") return render(instance, command == "render", in);
    if (command == "save" || command == "load") return state(instance, command == "save", in);
    if (command == "info" || command == "get" || command == "text")
      return parameter(instance, command, in);
    return event(instance, command, in);
  }

  static std::string parameter(Instance& instance, const std::string& command,
                               std::istringstream& in) {
    clap_id id = 0;
    double value = 0.0;
    in >> id;
    char text[512];
    if (command == "info") {
      clap_param_info_t info{};
      if (!instance.parameter_info(id, info)) return "no parameter";
      std::snprintf(text, sizeof text, "ok %u %u %.9g %.9g %.9g %s", info.id, info.flags,
                    info.min_value, info.max_value, info.default_value, info.name);
      return text;
    }
    if (command == "get") {
      if (!instance.parameter_value(id, value)) return "no parameter";
      std::snprintf(text, sizeof text, "ok %.9g", value);
      return text;
    }
    in >> value;
    const std::string shown = instance.parameter_text(id, value);
    return shown.empty() ? "no parameter" : "ok " + shown;
  }

  static std::string event(Instance& instance, const std::string& command, std::istringstream& in) {
    std::uint32_t frame = 0;
    if (command == "set") {
      clap_id id = 0;
      double value = 0.0;
      in >> id >> value >> frame;
      instance.queue_parameter(id, value, frame);
    } else if (command == "flush") {
      instance.flush();
    } else if (command == "on") {
      int key = 0;
      double velocity = 0.0;
      in >> key >> velocity >> frame;
      instance.queue_note(true, static_cast<std::int16_t>(key), velocity, frame);
    } else if (command == "off") {
      int key = 0;
      in >> key >> frame;
      instance.queue_note(false, static_cast<std::int16_t>(key), 0.0, frame);
    } else if (command == "transport") {
      bool playing = false;
      double bpm = 0.0;
      std::int64_t at = 0;
      std::uint16_t beats = 0;
      std::uint16_t unit = 0;
      in >> playing >> bpm >> at >> beats >> unit;
      instance.set_transport(playing, bpm, at, beats, unit);
    } else if (command == "midi") {
      int numbers[3] = {};
      in >> numbers[0] >> numbers[1] >> numbers[2] >> frame;
      std::uint8_t bytes[3];
      for (int i = 0; i < 3; ++i) bytes[i] = static_cast<std::uint8_t>(numbers[i]);
      instance.queue_midi(bytes, frame);
    } else {
      return "no such command: " + command;
    }
    return "ok";
  }

  static std::string render(Instance& instance, bool to_file, std::istringstream& in) {
    std::uint32_t frames = 0;
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    std::uint32_t seed = 0;
    std::string path;
    in >> frames >> least >> most >> seed >> path;
    std::vector<float> samples;
    if (!instance.render(frames, least, most, seed, samples)) return "no: process failed";
    float peak = 0.0f;
    for (const float sample : samples) {
      if (!std::isfinite(sample)) return "no: a sample is not finite or was not written";
      peak = std::max(peak, std::abs(sample));
    }
    if (to_file) {
      std::ofstream file(path, std::ios::binary | std::ios::app);
      file.write(reinterpret_cast<const char*>(samples.data()),
                 static_cast<std::streamsize>(samples.size() * sizeof(float)));
    }
    return "ok " + std::to_string(peak);
  }

  static std::string state(Instance& instance, bool save, std::istringstream& in) {
    std::string path;
    std::size_t chunk = 0;
    in >> path >> chunk;
    if (!save) return instance.load(read_file(path), chunk) ? "ok" : "no: state refused";
    std::vector<char> bytes;
    if (!instance.save(bytes, chunk)) return "no: state not saved";
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    return "ok " + std::to_string(bytes.size());
  }

  Module module_;
  std::map<std::size_t, std::unique_ptr<Instance>> instances_;
  std::size_t current_ = 0;
  std::size_t next_ = 0;
};

}  // namespace
}  // namespace driftwave::host

int main(int argument_count, char** arguments) {
  if (argument_count != 2) {
    std::fputs("usage: clap-host FILE.clap   (commands on standard input)\n", stderr);
    return 2;
  }
  try {
    driftwave::host::Session session(arguments[1]);
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
      std::string answer;
      try {
        answer = session.answer(line);
      } catch (const std::exception& error) {
        answer = std::string("no: ") + error.what();
      }
      std::cout << answer << std::endl;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "clap-host: %s\n", error.what());
    return 1;
  }
  return 0;
}
