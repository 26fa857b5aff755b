#include "doppel/service/http_server.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cctype>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace ssl = asio::ssl;
using Plain = beast::tcp_stream;
using Secure = beast::ssl_stream<beast::tcp_stream>;

constexpr uint32_t kMostHeader = 16 * 1024;
constexpr size_t kHeaderRead = 4096;
constexpr std::chrono::seconds kSeeOff{2};
constexpr std::chrono::milliseconds kPause{100};  // where no connection can be accepted

HttpResponse refusal(int status, const std::string& message) {
  HttpResponse response;
  response.status = status;
  response.body = nlohmann::json{{"code", status}, {"message", message}}.dump();
  if (status == 503) response.headers["Retry-After"] = "1";
  return response;
}

// Whether one of a header's lines goes on in the next, which begins with a blank. Boost joins the
// two, others take the second for a header of its own. `bytes` begin with one of the header's lines
// and may go on behind its end.
bool has_folded_line(std::string_view bytes) {
  const std::string_view head =
      bytes.substr(0, bytes.starts_with("\r\n") ? 0 : bytes.find("\r\n\r\n"));
  return head.find("\r\n ") != std::string_view::npos ||
         head.find("\r\n\t") != std::string_view::npos;
}

struct Fault {
  int status;
  std::string message;
};

// What leaves open where a request ends, or whom it is for. A proxy in front, which reads it in
// another way, would take for a request's body what is the next request here, and pass it on
// without having checked it (RFC 9112, 3.2, 6.1 and 6.3).
std::optional<Fault> ambiguity(const http::request_header<>& head) {
  const size_t lengths = head.count(http::field::content_length);
  const size_t codings = head.count(http::field::transfer_encoding);
  const size_t hosts = head.count(http::field::host);
  if (codings > 0) {
    const beast::string_view coding = head[http::field::transfer_encoding];
    if (head.version() < 11)
      return Fault{400, "Transfer-Encoding: none was expected in a request of HTTP/1.0"};
    if (lengths > 0) {
      return Fault{400, "Transfer-Encoding or Content-Length was expected, not both"};
    }
    if (codings > 1 || coding.empty()) {
      return Fault{400, "Transfer-Encoding: one was expected, chunked"};
    }
    if (!beast::iequals(coding, "chunked")) {
      return Fault{501, "Transfer-Encoding: no other than chunked is known here"};
    }
  }
  const beast::string_view length = head[http::field::content_length];
  if (lengths > 1 || length.find_first_not_of("0123456789") != beast::string_view::npos) {
    return Fault{400, "Content-Length: one number was expected"};
  }
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) {
    return Fault{400, "Host: one was expected"};
  }
  // Where it is given twice, a proxy may have checked the other one.
  for (const char* once : {"Authorization", "Content-Type", "Origin", "X-Api-Key"}) {
    if (head.count(once) > 1) return Fault{400, std::string(once) + ": one was expected"};
  }
  return {};
}

}  // namespace

// Requests that wait for a worker.
class HttpServer::WorkQueue {
 public:
  WorkQueue(size_t workers, size_t most) : most_(most) {
    for (size_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~WorkQueue() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
  }

  bool offer(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() >= most_) return false;
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// All but the handler runs on the thread of run().
struct HttpServer::Running {
  // What run() knows of a connection, whatever it speaks.
  class Client {
   public:
    virtual ~Client() = default;
    virtual void close_if_idle() = 0;
  };
  template <typename Stream>
  class Connection;

  HttpSettings settings;
  Handler handler;
  Refused refused;
  Admit admit;
  std::set<Client*> connections;  // outlives what io holds
  std::atomic<size_t> connected = 0;
  asio::io_context io{1};
  std::optional<ssl::context> tls;
  Tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  uint16_t port = 0;
  bool draining = false;
  WorkQueue queue;

  Running(const HttpSettings& given, Handler handle, Refused tell, Admit ask)
      : settings(given),
        handler(std::move(handle)),
        refused(std::move(tell)),
        admit(std::move(ask)),
        queue(given.workers, given.queue) {}
  void read_certificate();
  void listen();
  void accept();
  template <typename Stream>
  void serve(Stream stream);
  HttpResponse handle(const HttpRequest& request) const;
};

// Lives as long as an operation on its socket is under way.
template <typename Stream>
class HttpServer::Running::Connection final
    : public Client,
      public std::enable_shared_from_this<HttpServer::Running::Connection<Stream>> {
 public:
  Connection(Running& server, Stream stream) : server_(server), stream_(std::move(stream)) {
    server_.connections.insert(this);
    server_.connected = server_.connections.size();
  }
  ~Connection() override {
    server_.connections.erase(this);
    server_.connected = server_.connections.size();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Says hello where that is spoken, then goes on with `next`.
  void begin(void (Connection::*next)()) {
    if constexpr (std::is_same_v<Stream, Secure>) {
      lowest().expires_after(server_.settings.transfer);
      stream_.async_handshake(ssl::stream_base::server,
                              [self = this->shared_from_this(), next](ErrorCode error) {
                                error ? self->close() : (self.get()->*next)();
                              });
    } else {
      (this->*next)();
    }
  }
  void read() {
    if (server_.draining) return close();
    parser_.emplace();
    parser_->header_limit(kMostHeader);
    parser_->body_limit(server_.settings.most_body);
    parser_->on_chunk_header(check_chunk_);
    header_size_ = 0;
    idle_ = buffer_.size() == 0;
    head_ = false;
    // The header's bytes may come slowly, but not for longer than a connection may be idle.
    lowest().expires_after(server_.settings.idle);
    idle_ ? read_header() : parse_header();
  }
  // For connections that are not to be served.
  void turn_away() {
    keep_alive_ = false;
    refuse(503, "too many connections; try again");
  }
  // At the end of all: what has begun to arrive is still served.
  void close_if_idle() override {
    if (idle_ && buffer_.size() == 0) close();
    pause_.cancel();
  }

 private:
  void read_header() {
    stream_.async_read_some(buffer_.prepare(kHeaderRead),
                            [self = this->shared_from_this()](ErrorCode error, size_t size) {
                              self->idle_ = false;
                              if (error) return self->failed(error);
                              self->buffer_.commit(size);
                              self->parse_header();
                            });
  }
  // The parser takes whole lines out of the buffer. It joins folded ones and sets no limit to the
  // sum of what it takes bit by bit, so both are seen to here.
  void parse_header() {
    const asio::const_buffer bytes = buffer_.data();
    if (has_folded_line({static_cast<const char*>(bytes.data()), bytes.size()})) {
      keep_alive_ = false;
      return refuse(400, "each header was expected on a line of its own");
    }
    ErrorCode error;
    const size_t parsed = parser_->put(bytes, error);
    buffer_.consume(parsed);
    header_size_ += parsed;
    if (header_size_ > kMostHeader) error = http::error::header_limit;
    if (error && error != http::error::need_more) return failed(error);
    parser_->is_header_done() ? header_read() : read_header();
  }

  void header_read() {
    idle_ = false;
    lowest().expires_after(server_.settings.transfer);
    if (!read_head()) return;
    if (server_.admit) {
      if (const std::optional<HttpResponse> answer = server_.admit(request_)) {
        keep_alive_ = keep_alive_ && parser_->is_done();
        return write(*answer);
      }
    }
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      if (parser_->content_length().value_or(0) > server_.settings.most_body) {
        return failed(http::make_error_code(http::error::body_limit));
      }
      continue_.emplace(http::status::continue_, parser_->get().version());
      http::async_write(stream_, *continue_,
                        [self = this->shared_from_this()](ErrorCode written, size_t) {
                          written ? self->close() : self->read_body();
                        });
    } else {
      read_body();
    }
  }

  // Fills what is known of the request without its body. False where it was refused.
  bool read_head() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    head_ = message.method() == http::verb::head;
    if (const std::optional<Fault> fault = ambiguity(message)) {
      keep_alive_ = false;
      refuse(fault->status, fault->message);
      return false;
    }
    request_ = {};
    request_.method = std::string(message.method_string());
    const beast::string_view target = message.target();
    try {
      read_target({target.data(), target.size()}, request_);
    } catch (const Error& problem) {
      keep_alive_ = keep_alive_ && parser_->is_done();
      refuse(400, problem.what());
      return false;
    }
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request_.headers[name] = std::string(field.value());
    }
    return true;
  }

  void read_body() {
    http::async_read(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](ErrorCode error, size_t) { self->body_read(error); });
  }

  void body_read(ErrorCode error) {
    if (error) return failed(error);
    lowest().expires_never();
    request_.body = std::move(parser_->get().body());
    request_.deadline = std::chrono::steady_clock::now() + server_.settings.answering;
    // The worker keeps run() from ending, and hands the connection back to run()'s thread.
    using Guard = asio::executor_work_guard<asio::io_context::executor_type>;
    auto task = [self = this->shared_from_this(), request = std::move(request_),
                 guard = std::make_shared<Guard>(server_.io.get_executor())]() mutable {
      HttpResponse response = self->server_.handle(request);
      asio::io_context& io = self->server_.io;
      asio::post(
          io, [self = std::move(self), response = std::move(response)] { self->write(response); });
    };
    if (!server_.queue.offer(std::move(task))) {
      refuse(503, "too many requests are waiting; try again");
    }
  }

  void refuse(int status, const std::string& message) {
    if (server_.refused) server_.refused(status);
    write(refusal(status, message));
  }

  void write(const HttpResponse& response) {
    http::response<http::string_body>& message = response_.emplace();
    message.result(static_cast<unsigned>(response.status));
    message.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.keep_alive(keep_alive_ && !server_.draining);
    message.body() = response.body;
    message.prepare_payload();
    if (head_) message.body().clear();  // its length is told
    lowest().expires_after(server_.settings.transfer);
    http::async_write(stream_, message, [self = this->shared_from_this()](ErrorCode error, size_t) {
      if (error) return self->close();
      if (self->response_->need_eof()) return self->see_off();
      self->response_->result() == http::status::service_unavailable ? self->back_off()
                                                                     : self->read();
    });
  }

  void failed(ErrorCode error) {
    keep_alive_ = false;
    if (error == http::error::body_limit) {
      const size_t most = server_.settings.most_body;
      refuse(413, std::string("the request is larger than the ")
                      .append(std::to_string(most))
                      .append(" bytes that are accepted"));
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      refuse(431, "the request's header is too large");
    } else if (error == beast::error::timeout || error == asio::error::eof ||
               error == http::error::partial_message || error == ssl::error::stream_truncated ||
               error.category() == asio::error::get_system_category()) {
      close();
    } else {
      refuse(400, "this is no HTTP request: " + error.message());
    }
  }

  // Whoever asks again at once would keep the thread from those who are served.
  void back_off() {
    idle_ = true;
    pause_.expires_after(server_.settings.backing_off);
    pause_.async_wait([self = this->shared_from_this()](ErrorCode error) {
      if (!error) self->read();
    });
  }

  // Closing at once, while the client still sends, could cost it the answer.
  void see_off() {
    ErrorCode ignored;
    lowest().socket().shutdown(Tcp::socket::shutdown_send, ignored);
    lowest().expires_after(kSeeOff);
    discard();
  }
  void discard() {
    rest_.resize(4096);
    stream_.async_read_some(asio::buffer(rest_),
                            [self = this->shared_from_this()](ErrorCode error, size_t) {
                              error ? self->close() : self->discard();
                            });
  }

  void close() {
    ErrorCode ignored;
    lowest().socket().shutdown(Tcp::socket::shutdown_both, ignored);
    lowest().socket().close(ignored);
  }

  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  Running& server_;
  Stream stream_;
  HttpRequest request_;
  asio::steady_timer pause_{server_.io};
  beast::flat_buffer buffer_{kMostHeader + 64 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::empty_body>> continue_;
  std::optional<http::response<http::string_body>> response_;
  std::vector<char> rest_;
  size_t header_size_ = 0;  // of what the parser has taken so far
  // Boost takes a line feed within an extension's quotes for a part of it, others for its end.
  std::function<void(uint64_t, beast::string_view, ErrorCode&)> check_chunk_ =
      [](uint64_t, beast::string_view extension, ErrorCode& error) {
        if (extension.find('\n') != beast::string_view::npos) {
          error = http::error::bad_chunk_extension;
        }
      };
  bool idle_ = false, keep_alive_ = true, head_ = false;
};

void HttpServer::Running::read_certificate() {
  if (settings.certificate.empty() && settings.key.empty()) return;
  tls.emplace(ssl::context::tls_server);
  ErrorCode error;
  tls->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                   ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  const auto check = [&](const std::string& file, const char* expected) {
    if (error) {
      throw Error(ErrorKind::bad_data,
                  file + ": " + expected + " was expected (PEM): " + error.message());
    }
  };
  tls->use_certificate_chain_file(settings.certificate, error);
  check(settings.certificate, "a chain of certificates");
  tls->use_private_key_file(settings.key, ssl::context::pem, error);
  check(settings.key, "the private key of the certificate");
}

void HttpServer::Running::listen() {
  const std::string where = settings.host + ":" + std::to_string(settings.port);
  ErrorCode error;
  Tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(settings.host, std::to_string(settings.port), Tcp::resolver::passive, error);
  if (error || found.empty()) {
    throw Error(ErrorKind::io, where + ": an address of this machine was expected");
  }
  const Tcp::endpoint endpoint = *found.begin();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw Error(ErrorKind::io, where + ": cannot be listened on: " + error.message());
  port = acceptor.local_endpoint().port();
}

void HttpServer::Running::accept() {
  acceptor.async_accept([this](ErrorCode error, Tcp::socket socket) {
    if (draining) return;
    if (error) {  // too many open files, say
      pause.expires_after(kPause);
      pause.async_wait([this](ErrorCode) {
        if (!draining) accept();
      });
      return;
    }
    ErrorCode ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    if (tls) {
      serve(Secure(std::move(socket), *tls));
    } else {
      serve(Plain(std::move(socket)));
    }
    accept();
  });
}

template <typename Stream>
void HttpServer::Running::serve(Stream stream) {
  const size_t open = connections.size();
  if (open >= 2 * settings.connections) return;  // the socket just closes
  const auto connection = std::make_shared<Connection<Stream>>(*this, std::move(stream));
  connection->begin(open < settings.connections ? &Connection<Stream>::read
                                                : &Connection<Stream>::turn_away);
}

HttpResponse HttpServer::Running::handle(const HttpRequest& request) const {
  const auto refuse = [this](int status, const char* message) {
    if (refused) refused(status);
    return refusal(status, message);
  };
  if (std::chrono::steady_clock::now() > request.deadline) {
    return refuse(503, "this request has waited for too long; try again");
  }
  try {
    return handler(request);
  } catch (const std::exception&) {
    return refuse(500, "this request could not be answered");
  }
}

HttpServer::HttpServer(const HttpSettings& settings, Handler handler, Refused refused, Admit admit)
    : running_(std::make_unique<Running>(settings, std::move(handler), std::move(refused),
                                         std::move(admit))) {
  running_->read_certificate();
  running_->listen();
}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return running_->port; }
size_t HttpServer::waiting() const { return running_->queue.waiting(); }
size_t HttpServer::connected() const { return running_->connected; }

void HttpServer::run() {
  running_->accept();
  running_->io.run();
}

void HttpServer::stop() {
  asio::post(running_->io, [running = running_.get()] {
    if (running->draining) return;
    running->draining = true;
    ErrorCode ignored;
    running->acceptor.close(ignored);
    running->pause.cancel();
    for (Running::Client* connection : running->connections) connection->close_if_idle();
  });
}

}  // namespace doppel::internal
